// Requests to the server that this page came from, and to no other.

const TOKEN_KEY = "editor-token";

/** The server said no: a status, one line for the person, and the id of the document that was asked for. */
export class Refusal extends Error {
  constructor(status, content, document = null) {
    super(content.error || `The server refused (${status}).`);
    this.status = status;
    this.content = content;
    this.document = document;
  }
}

/** The server does not answer at all, or not to the end. */
export class Unreachable extends Error {}

/**
 * Moves a token from the address into this tab's storage.
 *
 * @returns {workspace}: what the address says to open, or null; null where there was no token
 */
export function takeToken() {
  const told = new URLSearchParams(location.hash.slice(1));
  const token = told.get("token");
  if (!token) return null;
  history.replaceState(null, "", location.pathname + location.search);
  sessionStorage.setItem(TOKEN_KEY, token);
  return { workspace: told.get("workspace") };
}

/**
 * Asks the server.
 *
 * @param method of HTTP
 * @param path below api/, relative to the page
 * @param json what to send as JSON
 * @param body what to send as bytes, a Blob
 * @param signal that aborts the request
 * @returns the response, whose status is 2xx
 * @throws Refusal, Unreachable, or AbortError
 */
export async function request(method, path, { json, body, signal } = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN_KEY) ?? ""}` };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  else if (body) headers["Content-Type"] = body.type || "application/octet-stream";
  let response;
  try {
    response = await fetch(`api/${path}`, {
      method,
      headers,
      body: json !== undefined ? JSON.stringify(json) : body,
      signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    throw brokenOff(error);
  }
  if (!response.ok) {
    const document = Number(new URLSearchParams(path.split("?")[1]).get("document")) || null;
    throw new Refusal(response.status, await contentOf(response), document);
  }
  return response;
}

/** Asks for JSON. */
export async function ask(method, path, options) {
  const response = await request(method, path, options);
  return response.json().catch((error) => {
    throw brokenOff(error);
  });
}

/** The bytes of a response. */
export function blobOf(response) {
  return response.blob().catch((error) => {
    throw brokenOff(error);
  });
}

/** Asks for a picture, as it is sent. */
export async function fetchBlob(path, options) {
  return blobOf(await request("GET", path, options));
}

/** Asks for a picture, decoded. */
export async function fetchBitmap(path, options) {
  return createImageBitmap(await fetchBlob(path, options));
}

/** A path with query, whose values are quoted. */
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** What is thrown where an answer did not come, or not to its end. */
function brokenOff(error) {
  return error.name === "AbortError" ? error : new Unreachable("The server does not answer.");
}

async function contentOf(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}
