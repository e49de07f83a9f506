// What can be done, whether by a button or by a key.

import { ask, fetchBitmap, withQuery } from "./api.js";
import * as choices from "./choices.js";
import { Crosshair } from "./crosshair.js";
import { isUnmoved } from "./engine/placing.js";
import { PolygonHand, area } from "./hands/areas.js";
import { DraggingHand, pins } from "./hands/dragging.js";
import { PadHand, forgetPads, pad, unsentPads } from "./hands/pads.js";
import { PaintingHand, PickingHand, PointHand, bounded, colorUnder } from "./hands/painting.js";
import { RegionHand, selection } from "./hands/regions.js";
import { Stage } from "./stage.js";
import * as store from "./store.js";
import { actionOf, choosingTool, fileOption, isReady, titleOf } from "./toolbox.js";
import { computed, effect, signal, untracked } from "./vendor/signals.js";

export const stage = new Stage();
export const crosshair = new Crosshair(stage, wordsForColor);

/** The hand of the tool that is chosen. */
export const hand = signal(null);

/** A file dialog; anything that asks for a file goes through it. */
const picker = document.createElement("input");
picker.type = "file";
picker.hidden = true;

export const PICTURES = "image/png,image/jpeg,image/webp";
const pictures = new Map(); // id on the server -> address in the page

/** Connects pictures, tools and the server. */
export function begin() {
  document.body.append(picker);
  window.addEventListener("beforeunload", (event) => {
    if (paintedTools().length) event.preventDefault();
  });
  store.connect(stage, { isBusy: () => stage.isBusy, finish, mayLeave });
  let before = null;
  effect(() => {
    const workspace = store.workspace.value?.workspace ?? null;
    if (workspace !== before) {
      before = workspace;
      untracked(choices.reset);
    }
  });
  effect(() => {
    if (store.current.value !== null) untracked(() => hand.value?.documentChanged?.());
  });
  let declared = null;
  effect(() => {
    const entry = choices.entry.value;
    if (entry === declared) return;
    declared = entry;
    untracked(() => takeHand(entry));
  });
  effect(() => {
    const isShown = choices.mismatchShown.value;
    const document = store.current.value;
    const unsent = store.unsent.value;
    untracked(() => showMismatch(isShown && unsent === 0 ? document : null));
  });
  effect(() => {
    const isOfUse = choices.lockedColors.value.length > 0 || choices.partsShown.value !== null;
    const document = store.current.value;
    if (store.unsent.value === 0) untracked(() => learnRegions(isOfUse ? document : null));
  });
}

/** Chooses a tool; what is half done with the one before is applied. */
export function chooseTool(id) {
  if (!choices.toolbar.value.some((entry) => entry.id === id)) return false;
  choices.toolId.value = id;
  return true;
}

/** What a button does, after which keys are heard by the picture again, unless a key has pressed it. */
export function thenDraw(work) {
  return (event) => {
    work();
    if (event.detail > 0) stage.focus();
  };
}

/** Applies what is shown but not done yet. */
export function apply() {
  return hand.value?.apply?.() ?? false;
}

/** Gives up the stroke, then the selection. */
export function cancel() {
  const isDone = hand.value?.cancel?.() ?? false;
  crosshair.giveUp();
  return isDone;
}

/** Whether there is a chosen part that can be moved by pixels. */
export function canNudge() {
  return selection.value !== null && Boolean(hand.value?.nudge);
}

/** Takes back what is half done, then the step before. */
export function undo() {
  if (hand.value?.undo?.()) return;
  if (hand.value?.cancelStroke?.()) return;
  store.travel(-1);
}

export function redo() {
  if (hand.value?.redo?.() || !store.canRedo.value) return;
  giveUpPlaced();
  store.travel(1);
}

/** Goes to a position of the history. */
export function jump(position) {
  if (position === store.history.value.position) return;
  giveUpPlaced();
  store.jump(position);
}

/** What was placed for one document is not applied to another one. */
function giveUpPlaced() {
  while (!(hand.value instanceof PadHand) && hand.value?.undo?.());
}

/** Whether there is something that `redo` does again. */
export const canRedo = computed(
  () => store.canRedo.value || pad.value.canRedo || area.value.undone.length > 0,
);

/** Whether there is something that `undo` takes back. */
export const canUndo = computed(
  () =>
    store.canUndo.value ||
    pad.value.canUndo ||
    area.value.corners.length > 0 ||
    pins.value.drags.length + pins.value.anchors.length > 0 ||
    (selection.value !== null && !isUnmoved(selection.value.placing)),
);

/** Saves the picture in full size. */
export async function download() {
  await store.finishWork();
  const blob = await store.guarded(store.fullResult);
  if (blob) save(blob, `${baseName()}-edited.png`);
}

/** Saves the steps as a recipe that the command line repeats. */
export async function downloadRecipe() {
  await store.finishWork();
  const recipe = await store.guarded(() =>
    ask("GET", withQuery(store.path("recipe"), { document: store.current.value })),
  );
  if (!recipe) return;
  const blob = new Blob([JSON.stringify(recipe, null, 1)], { type: "application/json" });
  save(blob, `${baseName()}-recipe.json`);
}

/** Copies the picture in full size to the clipboard. */
export async function copyResult() {
  await store.finishWork();
  const picture = store.fullResult();
  try {
    const item = new ClipboardItem({ "image/png": picture });
    await navigator.clipboard.write([item]);
    store.say("The picture is on the clipboard.");
  } catch (error) {
    const own = await picture.then(() => null, (reason) => reason);
    if (own?.name === "AbortError") return; // it was given up
    store.say(`The browser did not let the picture onto the clipboard (${error.message}).`, "problem");
  }
}

/** Asks for a photo and opens it. */
export async function openPhoto() {
  const file = await pick(PICTURES);
  if (file) receive(file);
}

/** Asks for a recipe and does its steps. */
export async function openRecipe() {
  const file = await pick(".json,application/json");
  if (file) receive(file);
}

/** Takes one of the document's pictures: chooses it for good where there is a tool for that. */
export function takeCandidate(number) {
  const tool = choosingTool(store.workspace.value.tools);
  if (tool) store.act(actionOf(tool, choices.valuesOf(tool), { candidate: number }));
  else store.showCandidate(number);
}

/** Does what a tool without a gesture asks for. */
export function doTool(tool) {
  const given = tool.takes.includes("candidate") ? { candidate: store.candidates.value.shown } : {};
  store.act(actionOf(tool, choices.valuesOf(tool), given));
}

/** Shows what such a tool would make, where that is known at once. */
export function tryTool(tool) {
  if (!isReady(tool, choices.valuesOf(tool)) || fileOption(tool)) return;
  const given = tool.takes.includes("candidate") ? { candidate: store.candidates.value.shown } : {};
  store.foresee(actionOf(tool, choices.valuesOf(tool), given));
}

/** Sends a file that a tool asks for; whether it could be read. */
export async function giveFile(tool, option, file) {
  const { workspace } = store.workspace.value;
  const id = await store.guarded(() => store.upload(file));
  if (!id || store.workspace.value?.workspace !== workspace) return;
  pictures.set(id, URL.createObjectURL(file));
  for (const { name, kind } of tool.options) if (kind === "box") choices.choose(tool, name, null);
  choices.choose(tool, option.name, id);
}

/** The address of a picture that was sent from this page, or undefined. */
export function addressOf(id) {
  return pictures.get(id);
}

/** Asks for a picture and lays it onto the pad. */
export async function pasteOnto() {
  const file = await pick(PICTURES);
  if (file) await lay(file);
}

/** A file dialog's file, or null. */
export function pick(accept) {
  return new Promise((resolve) => {
    picker.value = "";
    picker.accept = accept;
    picker.onchange = () => resolve(picker.files[0] ?? null);
    picker.oncancel = () => resolve(null);
    picker.click();
  });
}

/** Takes a file that was dropped, pasted or picked: a photo or a recipe. */
export async function receive(file) {
  const isRecipe = file.type === "application/json" || file.name?.endsWith(".json");
  if (isRecipe && !store.workspace.value) {
    store.say("Open a photo first; then the recipe can be applied to it.");
  } else if (isRecipe) {
    let recipe;
    try {
      recipe = JSON.parse(await file.text());
    } catch {
      store.say(`“${file.name}” is no recipe: it cannot be read as JSON.`, "problem");
      return;
    }
    await store.addRecipe(recipe);
  } else if (/^image\/(png|jpeg|webp)$/.test(file.type)) {
    const [tool] = choices.entry.value?.tools ?? [];
    const asked = store.workspace.value && fileOption(tool);
    if (asked) await giveFile(tool, asked, file);
    else if (hand.value instanceof PadHand && !hand.value.isHole) await lay(file);
    else await store.openPhoto(file, choices.config.value);
  } else {
    store.say(`“${file.name ?? "This"}” is no PNG, JPEG or WebP picture.`, "problem");
  }
}

/** Larger or smaller brushes. */
export function sizeBy(factor) {
  const size = choices.radius.value;
  const next = bounded(size * factor);
  choices.radius.value = next === size ? bounded(size + (factor > 1 ? 0.5 : -0.5)) : next;
  stage.redraw();
}

export function swapColors() {
  [choices.color.value, choices.otherColor.value] = [choices.otherColor.value, choices.color.value];
}

/** Locks the chosen colour, or unlocks it, where there are tools that mind that. */
export function lockColor() {
  const rgb = choices.color.value;
  const palette = store.workspace.value.canvas?.palette ?? [];
  const number = palette.findIndex((known) => known.join() === rgb.join());
  if (number < 0 || !choices.canLock.value) return;
  choices.switchLock(rgb);
  store.say(`Colour ${number + 1} is ${choices.isLocked(rgb) ? "locked" : "unlocked"}.`);
}

/** The next way to compare. */
export function nextMode() {
  const at = choices.MODES.indexOf(choices.mode.value);
  choices.mode.value = choices.MODES[(at + 1) % choices.MODES.length];
}

export function toggleOverlay() {
  choices.layers.value = { ...choices.layers.value, drawing: !choices.layers.value.drawing };
}

export function fadeBy(amount) {
  choices.opacity.value =
    Math.round(100 * Math.min(1, Math.max(0, choices.opacity.value + amount))) / 100;
}

/** How the selection is made. */
export function selectBy(way) {
  choices.selecting.value = way;
  if (choices.toolbar.value.some(({ id }) => id === "region")) chooseTool("region");
}

/** Deletes the selected part, where there is a tool for that. */
export function deletePart() {
  const tool = hand.value?.others?.find((one) => one.icon === "trash");
  if (!tool) return false;
  hand.value.applyOther(tool);
  return true;
}

/** Opens what is shown now as a new photo. */
export async function startFromResult() {
  await store.finishWork();
  const { workspace, config } = store.workspace.value;
  const from = { workspace, document: store.current.value, candidate: store.pickedCandidate() };
  await store.openFrom({ from, config });
}

/** The colour of the drawing at a pixel, by its number in the palette where there is one, or "". */
function wordsForColor(point) {
  const rgb = colorUnder(stage, point);
  if (!rgb) return "";
  const palette = store.workspace.value?.canvas?.palette ?? [];
  const number = palette.findIndex((known) => known.join() === rgb.join());
  return number < 0 ? `rgb(${rgb.join(", ")})` : `colour ${number + 1}`;
}

/** The name of a file without its ending. */
export function baseName() {
  return (store.workspace.value?.name ?? "photo").replace(/\.[^.]*$/, "");
}

/** Hands a file to the browser's downloads. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Asks before something is lost that was painted on pads. */
async function mayLeave() {
  const titles = paintedTools();
  if (!titles.length) return true;
  const names = titles.map((title) => `“${title}”`).join(" and ");
  return choices.confirmed(`What you prepared with ${names} was not used yet, and is lost.`, "Leave");
}

/** Titles of tools for which something was painted that was not used yet. */
function paintedTools() {
  const own = hand.value?.hasWork ? [titleOf(hand.value.tool)] : [];
  return [...own, ...unsentPads()];
}

/** Applies what the hand has placed; a stroke that goes on is given up. */
function finish() {
  if (hand.value instanceof PadHand) return;
  hand.value?.cancelStroke?.();
  hand.value?.apply?.();
}

async function lay(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) store.say("This picture cannot be read.", "problem");
  else if (!hand.value?.paste?.(bitmap)) store.say("Choose a tool that takes a picture first.");
}

function takeHand(entry) {
  hand.value?.finish?.();
  forgetPads(store.workspace.value?.workspace);
  hand.value = entry && store.workspace.value ? makeHand(entry) : null;
  stage.setHand(hand.value ?? { cursor: "grab" });
}

function makeHand(entry) {
  const [tool] = entry.tools;
  switch (entry.kind) {
    case "region":
      return new RegionHand(stage, entry.tools);
    case "drag":
      return new DraggingHand(stage, tool);
    case "brush":
    case "edge":
      return new PaintingHand(stage, tool);
    case "polygon":
      return new PolygonHand(stage, tool);
    case "point":
      return new PointHand(stage, tool);
    case "mask":
    case "pad":
      return new PadHand(stage, tool);
    case "pick":
      return new PickingHand(stage, lastBrush());
    default:
      return { cursor: "grab" };
  }
}

/** Goes back to the tool that the eyedropper was called from. */
function lastBrush() {
  const before = lastPainted;
  return () => before && chooseTool(before);
}

let lastPainted = null;
effect(() => {
  const entry = choices.entry.value;
  if (entry && ["brush", "edge", "polygon", "point"].includes(entry.kind)) lastPainted = entry.id;
});

async function learnRegions(document) {
  if (document === null || !store.workspace.value?.canvas?.edge_color) {
    stage.learnRegions(null);
    return;
  }
  const bitmap = await store.guarded(() => store.layerOf(document, "regions"));
  if (bitmap && document === store.current.value) stage.learnRegions(bitmap);
}

async function showMismatch(document) {
  if (document === null || !store.workspace.value?.can?.mismatch) {
    stage.showMismatch(null);
    return;
  }
  const bitmap = await store.guarded(() => fetchBitmap(withQuery(store.path("mismatch"), { document })));
  if (bitmap && choices.mismatchShown.value) stage.showMismatch(bitmap);
}
