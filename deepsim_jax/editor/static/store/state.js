// What the page knows of the server: signals, which the panels show.

import { computed, signal } from "../vendor/signals.js";

export const NONE_CHOSEN = { count: 1, shown: 0, rate: null, isPicked: false };

export const server = signal(null);
export const workspace = signal(null);
export const history = signal({ position: 0, documents: [] });
export const training = signal({ state: "none" });
export const connection = signal("ok"); // "ok", "lost" or "locked"
export const notices = signal([]);
export const doubts = signal([]);
export const candidates = signal(NONE_CHOSEN);
export const working = signal({ preview: false, result: false, saving: false, opening: false });
export const parts = signal(null); // of the picture that is being made: {done, total}; null: it has none
export const shown = signal({ quality: "none", document: null, milliseconds: null });
export const unsent = signal(0);

/** The id of the document that is shown, or null. */
export const current = computed(() => history.value.documents[history.value.position]?.id ?? null);
export const canUndo = computed(() => history.value.position > 0);
export const canRedo = computed(() => history.value.position < history.value.documents.length - 1);

/** Says something to the person. kinds: "note", "problem". */
export function say(text, kind = "note") {
  const id = Math.random();
  const others = notices.value.filter((notice) => notice.text !== text);
  notices.value = [...others.slice(-2), { id, text, kind }];
  if (kind === "note") setTimeout(() => unsay(id), 6000);
}

/** Takes a notice away. */
export function unsay(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** The path of something of the workspace that is open. */
export function path(what) {
  return `workspaces/${workspace.value.workspace}/${what}`;
}
