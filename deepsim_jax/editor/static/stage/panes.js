// A pane: canvases that are moved and zoomed together, and one over them in pixels of the screen.

/** A pane of a stage: {name, element, world, canvases, overlay, caption}. */
export function makePane(name, names, label) {
  const element = make("div", "pane");
  element.dataset.pane = name;
  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-label", label);
  const world = make("div", "world");
  const canvases = {};
  for (const canvasName of names) {
    const canvas = make("canvas", `layer ${canvasName}`);
    canvas.dataset.layer = canvasName;
    canvas.setAttribute("aria-hidden", "true");
    canvases[canvasName] = canvas;
    world.append(canvas);
  }
  const overlay = make("canvas", "overlay");
  overlay.setAttribute("aria-hidden", "true");
  const caption = make("span", "caption");
  caption.textContent = name === "drawing" ? "Drawing" : "Result";
  element.append(world, overlay, caption);
  return { name, element, world, canvases, overlay, caption };
}

/** An element of a class. */
export function make(tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

/** Where in a pane an event is, [x, y] in pixels of the screen. */
export function placeOf(pane, event) {
  const { left, top } = pane.element.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}
