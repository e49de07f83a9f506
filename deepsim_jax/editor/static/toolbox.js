// The tools of the tool bar, made from the declarations of a session. How a hand uses one follows from what
// its actions take; what it is called, and its picture, it says itself.

const PICTURES = {
  region: "move",
  drag: "drag",
  brush: "brush",
  edge: "pen",
  point: "fill",
  polygon: "polygon",
  mask: "mask",
  pad: "picture",
  ask: "dice",
};

/** Words for people, where nothing better is declared: "some_name" and "section.some_name" -> "Some name". */
export function wordsOf(name) {
  const words = name.split(".").at(-1).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What an option is called. */
export function labelOf(option) {
  return option.title || wordsOf(option.name);
}

/** What one of an option's choices is called. */
export function choiceOf(option, choice) {
  return option.titles[choice] ?? wordsOf(choice);
}

/** What a tool is called. */
export function titleOf(tool) {
  return tool.title || wordsOf(tool.name);
}

/** The tools of a session as entries of the tool bar: {id, kind, title, icon, help, key, tools}. */
export function toolbarOf(tools) {
  const entries = [];
  const taken = new Set(["h", "i", "v", "l", "u", "m", "t", "x", "d"]);
  const regional = tools.filter((tool) => kindOf(tool) === "region");
  if (regional.length) {
    entries.push({
      id: "region",
      kind: "region",
      title: "Move a part",
      icon: "move",
      key: "v",
      help: "Click a part of the picture, or draw around it. Then drag it, scale it, turn it, copy it or delete it.",
      tools: regional,
    });
  }
  for (const tool of tools.filter((one) => kindOf(one) !== "region")) {
    const kind = kindOf(tool);
    let key = tool.key?.toLowerCase() ?? "";
    if (taken.has(key)) key = "";
    if (key) taken.add(key);
    entries.push({
      id: tool.name,
      kind,
      title: titleOf(tool),
      icon: tool.icon || PICTURES[kind],
      key,
      help: tool.help || `${tool.about.charAt(0).toUpperCase()}${tool.about.slice(1)}.`,
      tools: [tool],
    });
  }
  const hasInk = tools.some((tool) => optionOf(tool, "color"));
  if (hasInk) {
    entries.push({
      id: "pick",
      kind: "pick",
      title: "Eyedropper",
      icon: "pick",
      key: "i",
      help: "Click to take the colour there.",
      tools: [],
    });
  }
  entries.push({
    id: "hand",
    kind: "hand",
    title: "Hand",
    icon: "hand",
    key: "h",
    help: "Drag to move the view. Space does the same with any tool.",
    tools: [],
  });
  return entries;
}

/** How a hand uses a tool. */
export function kindOf(tool) {
  const takes = new Set(tool.takes);
  if (takes.has("picture")) return "pad";
  if (takes.has("mask")) return "mask";
  if (takes.has("from") && takes.has("to")) return "drag";
  if (tool.ink === "edge") return "edge";
  if (takes.has("points")) return "brush";
  if (takes.has("polygon") && hasColor(tool)) return "polygon";
  if (takes.has("polygon")) return "region";
  if (takes.has("at")) return "point";
  return "ask";
}

/** A tool's option of a name, or undefined. */
export function optionOf(tool, name) {
  return tool?.options.find((option) => option.name === name);
}

/** Whether a tool lets its colour be chosen. */
export function hasColor(tool) {
  return optionOf(tool, "color") !== undefined;
}

/** The options that a panel shows: what the hand, or the palette, does not give. */
export function panelOptions(tool) {
  const byHand = new Set([...tool.takes, "color", "scale", "rotate", "flip"]);
  const keepsAll = !tool.takes.includes("by");
  return tool.options.filter(({ name }) => {
    if (["scale", "rotate", "flip"].includes(name) && keepsAll) return true;
    return !byHand.has(name);
  });
}

/** Whether an option means something beside the others' values. */
export function isMeant({ only_with }, values) {
  return Object.entries(only_with).every(([name, choices]) => choices.includes(values[name]));
}

/** The values that a tool begins with. */
export function initialValues(tool, canvas) {
  const values = {};
  for (const option of tool.options) values[option.name] = option.default ?? option.suggested;
  const side = canvas ? Math.max(...canvas.size) : 256;
  if (optionOf(tool, "reach") && values.reach == null) values.reach = Math.round(side / 4);
  return values;
}

/** Whether everything that a tool needs is there, beside what the hand gives. */
export function isReady(tool, values) {
  return panelOptions(tool).every(({ name, needed }) => !needed || values[name] != null);
}

/** The option by which a tool asks for a file, or undefined. */
export function fileOption(tool) {
  return tool && panelOptions(tool).find(({ kind, needed }) => kind === "picture" && needed);
}

/** The tool with which one of a document's pictures is chosen, or undefined. */
export function choosingTool(tools) {
  return tools.find((tool) => tool.takes.includes("candidate"));
}

/** The values of a tool's options as an action has them: without those that are not set. */
export function actionOf(tool, values, given) {
  const action = { tool: tool.name };
  for (const option of panelOptions(tool)) {
    const value = values[option.name];
    if (value !== null && value !== undefined && value !== "") action[option.name] = value;
  }
  return { ...action, ...given };
}
