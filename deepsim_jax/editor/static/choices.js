// What the person has chosen in the page: tool, colour, options, and how pictures are shown.

import { computed, effect, signal } from "./vendor/signals.js";
import { workspace } from "./store.js";
import { initialValues, optionOf, toolbarOf } from "./toolbox.js";

export const MODES = ["both", "slider", "result", "drawing"];
const SETTINGS_KEY = "editor-settings";
const THEME_KEY = "editor-theme";

export const toolId = signal(null);
export const values = signal({}); // tool name -> option name -> value
export const color = signal([0, 0, 0]);
export const otherColor = signal([255, 255, 255]);
export const isStraight = signal(false);
export const selecting = signal("click"); // "click", "lasso" or "rectangle"
export const mode = signal("both");
export const opacity = signal(0.65);
export const layers = signal({ photo: true, drawing: true, regions: true, lines: true, keep: true });
export const locks = signal({ drawing: false, keep: false });
export const mismatchShown = signal(false);
export const originalShown = signal(false);
export const view = signal({ scale: 1, x: 0, y: 0 });
export const dialog = signal(null); // "help", "film", "result", "close" or null
export const pressure = signal(true);
export const theme = signal(null); // "dark" or "light", or null: as the system has it
export const confirming = signal(null); // {text, yes, resolve}
export const config = signal(null); // with which a photo is opened; null: the server's choice
export const starred = signal(new Set()); // documents that are keyframes

let made = { tools: [], entries: toolbarOf([]) };

/** The tool bar's entries; the same objects as long as the tools are, so that a hand may go on. */
export const toolbar = computed(() => {
  const tools = workspace.value?.tools ?? [];
  if (tools !== made.tools) made = { tools, entries: toolbarOf(tools) };
  return made.entries;
});
export const entry = computed(
  () => toolbar.value.find(({ id }) => id === toolId.value) ?? toolbar.value[0],
);

const sizes = signal({}); // of brushes, and of thin lines

/** The radius of what the chosen tool draws; all brushes have the same, all thin lines another one. */
export const radius = {
  get value() {
    const side = Math.max(...(workspace.value?.canvas?.size ?? [256]));
    const initial = isThin() ? Math.max(1, Math.round(side / 80) / 2) : Math.max(2, Math.round(side / 40));
    return sizes.value[isThin() ? "line" : "brush"] ?? initial;
  },
  set value(size) {
    sizes.value = { ...sizes.value, [isThin() ? "line" : "brush"]: size };
  },
};

function isThin() {
  return entry.value?.tools[0]?.ink === "sketch";
}

/** The values of a tool's options, those of its declaration where nothing is chosen. */
export function valuesOf(tool) {
  const chosen = { ...initialValues(tool, workspace.value?.canvas), ...values.value[tool.name] };
  if (optionOf(tool, "radius")) chosen.radius = radius.value;
  return chosen;
}

/** Chooses a value of an option. */
export function choose(tool, name, value) {
  if (name === "radius" && value) radius.value = value;
  values.value = { ...values.value, [tool.name]: { ...values.value[tool.name], [name]: value } };
}

/** Takes a colour; of a palette, only one that it has. */
export function takeColor(rgb) {
  const palette = workspace.value?.canvas?.palette;
  if (rgb && (!palette || palette.some((known) => known.join() === rgb.join()))) color.value = rgb;
}

/** The colours that x and d choose between. */
export function defaultColors() {
  const palette = workspace.value?.canvas?.palette ?? [
    [0, 0, 0],
    [255, 255, 255],
  ];
  color.value = palette[0];
  otherColor.value = palette[1] ?? palette[0];
}

/** Whether the drawing has regions and lines, so that one can be looked at without the other. */
export const hasParts = computed(() => {
  const canvas = workspace.value?.canvas;
  return Boolean(canvas?.edge_color) && canvas.layers.includes("regions");
});

/** What is seen of the drawing's parts, {regions, lines}; null: all of it. */
export const partsShown = computed(() => {
  const { regions, lines } = layers.value;
  return hasParts.value && !(regions && lines) ? { regions, lines } : null;
});

const lockedIn = signal({}); // workspace -> its locked colours, as text

/** The colours of the palette that are locked. */
export const lockedColors = computed(() => {
  const locked = lockedIn.value[workspace.value?.workspace] ?? [];
  return (workspace.value?.canvas?.palette ?? []).filter((rgb) => locked.includes(rgb.join()));
});

/** Whether a colour is locked. */
export function isLocked(rgb) {
  return lockedColors.value.some((locked) => locked.join() === rgb?.join());
}

/** Locks a colour of the palette, or unlocks it. */
export function switchLock(rgb) {
  const others = lockedColors.value.map(String).filter((text) => text !== rgb.join());
  const locked = isLocked(rgb) ? others : [...others, rgb.join()];
  lockedIn.value = { ...lockedIn.value, [workspace.value.workspace]: locked };
}

/** Whether there is a tool that leaves locked colours as they are. */
export const canLock = computed(() => (workspace.value?.tools ?? []).some(doesSpare));

/** What an action of a tool is told of locked colours: {spare}, or nothing. */
export function sparing(tool) {
  return doesSpare(tool) && lockedColors.value.length ? { spare: lockedColors.value } : {};
}

function doesSpare(tool) {
  return tool.takes.includes("spare");
}

/** Asks a yes or no question; answers a promise. */
export function confirmed(text, yes) {
  return new Promise((resolve) => {
    confirming.value = { text, yes, resolve };
  });
}

/** Begins anew for a workspace. */
export function reset() {
  values.value = {};
  starred.value = new Set();
  mismatchShown.value = false;
  sizes.value = {};
  locks.value = { drawing: false, keep: false };
  defaultColors();
  if (!toolbar.value.some(({ id }) => id === toolId.value)) toolId.value = toolbar.value[0]?.id ?? null;
}

/** Light instead of dark, or the other way round; remembered on this computer. */
export function switchTheme() {
  const isLight = theme.value
    ? theme.value === "light"
    : matchMedia("(prefers-color-scheme: light)").matches;
  theme.value = isLight ? "dark" : "light";
  localStorage.setItem(THEME_KEY, theme.value);
}

/** Remembers how things are shown over a reload, and brings that back. */
export function remember() {
  try {
    const known = JSON.parse(sessionStorage.getItem(SETTINGS_KEY) ?? "{}");
    if (MODES.includes(known.mode)) mode.value = known.mode;
    if (known.opacity >= 0 && known.opacity <= 1) opacity.value = known.opacity;
    if (typeof known.tool === "string") toolId.value = known.tool;
    if (known.locked) lockedIn.value = known.locked;
  } catch {
    sessionStorage.removeItem(SETTINGS_KEY);
  }
  const asked = localStorage.getItem(THEME_KEY);
  if (["dark", "light"].includes(asked)) theme.value = asked;
  effect(() => {
    if (theme.value) document.documentElement.dataset.theme = theme.value;
  });
  effect(() => {
    const known = {
      mode: mode.value,
      opacity: opacity.value,
      tool: toolId.value,
      locked: lockedIn.value,
    };
    sessionStorage.setItem(SETTINGS_KEY, JSON.stringify(known));
  });
}
