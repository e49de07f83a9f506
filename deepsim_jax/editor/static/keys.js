// All keys: what the `?` sheet lists is what is listened to.

import * as choices from "./choices.js";
import * as store from "./store.js";
import * as studio from "./studio.js";

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

/** Keys that do not depend on the tools: {id, group, keys, about, match, run, hold, release}. */
const COMMON = [
  key("smaller", "Brush", "[ or ,", "smaller brush", code(["BracketLeft"], [","]), () =>
    studio.sizeBy(1 / 1.2),
  ),
  key("larger", "Brush", "] or .", "larger brush", code(["BracketRight"], ["."]), () =>
    studio.sizeBy(1.2),
  ),
  key("label", "Brush", "1 … 9, 0", "choose a colour of the palette", plain(...DIGITS), (event) =>
    chooseLabel(event.key),
  ),
  key("swap", "Brush", "X", "swap the two colours", plain("x"), studio.swapColors),
  key("lock", "Brush", "/", "lock or unlock the chosen colour", plain("/"), studio.lockColor),
  key("defaults", "Brush", "D", "the first two colours of the palette, or black and white", plain("d"), choices.defaultColors),
  key(
    "straight",
    "Brush",
    "Shift + drag",
    "a straight line; Shift + click goes on from the last stroke",
    () => false,
  ),
  key("size-drag", "Brush", "Alt + drag", "brush size; Alt + click takes the colour", () => false),
  key("lasso", "Parts", "L", "choose a part by drawing around it", plain("l"), () =>
    studio.selectBy("lasso"),
  ),
  key("rectangle", "Parts", "U", "choose a part by a rectangle", plain("u"), () =>
    studio.selectBy("rectangle"),
  ),
  key(
    "nudge",
    "Parts",
    "Arrow keys",
    "move the chosen part by a pixel, with Shift by ten",
    (event) => arrows(event) && studio.canNudge() && !studio.crosshair.isShown,
    nudge,
  ),
  key("copy-drag", "Parts", "Alt + drag", "copy a part instead of moving it", () => false),
  key(
    "delete",
    "Parts",
    "Delete",
    "take the chosen part away",
    plain("delete", "backspace"),
    studio.deletePart,
  ),
  key(
    "crosshair",
    "Without a pointer",
    "Tab, Arrow keys",
    "on the drawing: move a crosshair by a pixel, with Shift by ten, aslant by two keys",
    (event) => arrows(event) && isOnDrawing(event),
    (event) => studio.crosshair.step(event),
  ),
  {
    ...key(
      "press",
      "Without a pointer",
      "Space",
      "press the tool at the crosshair, and lift it again",
      (event) => plain(" ")(event) && studio.crosshair.isShown,
      (event) => studio.crosshair.press(event),
    ),
    release: () => studio.crosshair.letGo(),
  },
  key(
    "press-straight",
    "Without a pointer",
    "Shift + Space",
    "a straight line to the crosshair from where the last stroke ended",
    () => false,
  ),
  key("apply", "Do and undo", "Enter", "apply what is shown", plain("enter"), () => {
    if (!studio.crosshair.lift()) studio.apply();
  }),
  key(
    "cancel",
    "Do and undo",
    "Esc",
    "give up the stroke, then the selection",
    plain("escape"),
    studio.cancel,
  ),
  key("undo", "Do and undo", "Ctrl + Z", "undo", ctrl("z"), studio.undo),
  key("redo", "Do and undo", "Ctrl + Shift + Z or Ctrl + Y", "redo", redoes, studio.redo),
  {
    ...key(
      "original",
      "Look",
      "hold \\",
      "show the photo as it was",
      code(["Backslash", "IntlBackslash"], ["\\"]),
      () => showOriginal(true),
    ),
    release: () => showOriginal(false),
  },
  key("mode", "Look", "M", "next way to compare", plain("m"), studio.nextMode),
  key("overlay", "Look", "T", "hide or show the drawing", plain("t"), studio.toggleOverlay),
  key(
    "fainter",
    "Look",
    "Alt + [ or Alt + ,",
    "fainter drawing",
    code(["BracketLeft"], [","], true),
    () => studio.fadeBy(-0.1),
  ),
  key(
    "stronger",
    "Look",
    "Alt + ] or Alt + .",
    "stronger drawing",
    code(["BracketRight"], ["."], true),
    () => studio.fadeBy(0.1),
  ),
  {
    ...key(
      "pan",
      "Look",
      "hold Space",
      "drag to move the view (the middle button does it, too)",
      plain(" "),
      () => pan(true),
    ),
    release: () => pan(false),
  },
  key("zoom-wheel", "Look", "Ctrl + wheel", "zoom at the pointer", () => false),
  key("zoom-in", "Look", "+", "larger", plain("+", "="), () => zoom(1.25)),
  key("zoom-out", "Look", "−", "smaller", plain("-", "_"), () => zoom(0.8)),
  key("fit", "Look", "Ctrl + 0", "the whole picture", ctrl("0"), () => studio.stage.fit()),
  key("actual", "Look", "Ctrl + 1", "one pixel of the drawing for one of the screen", ctrl("1"), () =>
    studio.stage.zoomTo(1),
  ),
  key("save", "Files", "Ctrl + S", "save the picture in full size", ctrl("s"), studio.download),
  key("open", "Files", "Ctrl + O", "open a photo", ctrl("o"), studio.openPhoto),
  key("copy", "Files", "Ctrl + C", "copy the picture", ctrl("c"), studio.copyResult),
  key("paste", "Files", "Ctrl + V", "open the picture on the clipboard", () => false),
  key(
    "help",
    "Files",
    "?",
    "this sheet",
    (event) => event.key === "?" && !event.ctrlKey,
    () => {
      choices.dialog.value = choices.dialog.value === "help" ? null : "help";
    },
  ),
];

const paints = () => isThere("brush", "edge");
const colors = () => isThere("pick", "pad");
const parts = () => isThere("region");
const draws = () => Boolean(store.workspace.value?.can?.draw);
const covers = () => draws() && !store.workspace.value.can.photo;

/** What must be there for a key to do something; all others do always. */
const NEEDS = {
  smaller: () => isThere("brush", "pad", "mask"),
  larger: () => isThere("brush", "pad", "mask"),
  label: () => Boolean(store.workspace.value?.canvas?.palette),
  swap: colors,
  lock: () => choices.canLock.value,
  defaults: colors,
  straight: paints,
  "press-straight": paints,
  "size-drag": () => isThere("brush", "pad", "mask"),
  lasso: () => isThere("region", "mask"),
  rectangle: () => isThere("region", "mask"),
  nudge: parts,
  "copy-drag": parts,
  delete: parts,
  overlay: draws,
  fainter: covers,
  stronger: covers,
};

/** Whether the tool bar has an entry of one of some kinds. */
function isThere(...kinds) {
  return choices.toolbar.value.some(({ kind }) => kinds.includes(kind));
}

/** The keys that choose tools, from what the session declares. */
function toolKeys() {
  return choices.toolbar.value
    .filter((entry) => entry.key)
    .map((entry) =>
      key(`tool-${entry.id}`, "Tools", entry.key.toUpperCase(), entry.title, plain(entry.key), () => {
        if (entry.kind === "region") choices.selecting.value = "click";
        studio.chooseTool(entry.id);
        const isElsewhere = !document.activeElement.matches(".pane");
        if (isElsewhere && entry.kind !== "ask") studio.stage.focus();
      }),
    );
}

/** Every key that does something now. */
export function allKeys() {
  return [...toolKeys(), ...COMMON.filter(({ id }) => NEEDS[id]?.() ?? true)];
}

/** Listens to the keyboard, the clipboard, and files that are dropped anywhere. */
export function listen() {
  const held = new Map();
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const isHelp = event.key === "?" && choices.dialog.value === "help";
    if (document.querySelector("dialog[open]") && !isHelp) return;
    if (isTyping(event) || takesKey(event)) return;
    if (isSlider(event.target) && event.key.startsWith("Arrow")) return;
    if (!store.workspace.value && !["?"].includes(event.key) && !(event.ctrlKey && event.key === "o"))
      return;
    const found = allKeys().find((one) => one.match(event));
    if (!found) return;
    if (found.id === "copy" && String(window.getSelection())) return; // text was marked
    event.preventDefault();
    if (found.release) {
      if (held.has(event.code)) return;
      held.set(event.code, found.release);
    }
    found.run(event);
  });
  window.addEventListener("keyup", (event) => {
    held.get(event.code)?.();
    held.delete(event.code);
  });
  window.addEventListener("blur", () => {
    for (const release of held.values()) release();
    held.clear();
  });
  window.addEventListener("paste", (event) => {
    if (isTyping(event)) return;
    const file = [...(event.clipboardData?.files ?? [])][0];
    if (!file) return;
    event.preventDefault();
    studio.receive(file);
  });
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) studio.receive(file);
  });
}

function key(id, group, keys, about, match, run) {
  return { id, group, keys, about, match, run };
}

/** A key alone; letters by what they say, on any keyboard. */
function plain(...names) {
  return (event) =>
    !event.ctrlKey && !event.metaKey && !event.altKey && names.includes(event.key.toLowerCase());
}

function ctrl(name) {
  return (event) =>
    (event.ctrlKey || event.metaKey) &&
    !event.altKey &&
    !event.shiftKey &&
    event.key.toLowerCase() === name;
}

/** Keys that lie elsewhere on other keyboards: by place, or by what they say. */
function code(codes, names, withAlt = false) {
  return (event) =>
    !event.ctrlKey &&
    !event.metaKey &&
    event.altKey === withAlt &&
    (codes.includes(event.code) || names.includes(event.key));
}

function redoes(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const name = event.key.toLowerCase();
  return (name === "z" && event.shiftKey) || (name === "y" && !event.shiftKey);
}

function arrows(event) {
  return event.key.startsWith("Arrow") && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** Whether keys are for the drawing: it has the focus, or nothing has. */
function isOnDrawing({ target }) {
  return target instanceof HTMLElement && target.matches("body, .pane");
}

function zoom(factor) {
  studio.stage.zoomBy(factor, studio.crosshair.point);
}

function nudge(event) {
  const step = event.shiftKey ? 10 : 1;
  const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
    event.key
  ];
  studio.hand.value.nudge([x * step, y * step]);
}

function chooseLabel(name) {
  const palette = store.workspace.value?.canvas?.palette;
  const number = DIGITS.indexOf(name);
  if (palette?.[number]) choices.color.value = palette[number];
}

function showOriginal(isShown) {
  choices.originalShown.value = isShown;
}

function pan(isOn) {
  studio.stage.pans = isOn;
}

function isTyping(event) {
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT")
    return true;
  return (
    target.tagName === "INPUT" && !["checkbox", "radio", "range", "button", "color"].includes(target.type)
  );
}

/** Whether the control in focus does something itself with a key. */
function takesKey({ target, key: name }) {
  if (!(target instanceof HTMLElement)) return false;
  if (name === "Enter") return target.matches("button, a, summary, select");
  return name === " " && target.matches("button, a, summary, select, input");
}

function isSlider(target) {
  return target instanceof HTMLElement && target.matches("input, select, [role=slider]");
}
