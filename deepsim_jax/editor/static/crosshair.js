// The crosshair: a pointer that keys move. Hands hear of it as of any other pointer, so that whatever a
// pointer does to the picture can be done by the keyboard alone.

import { handle, polyline } from "./hands/overlay.js";

const ID = -1; // of its pointer; browsers give none below 0 to theirs
const REST = 250; // milliseconds without a step after which a screen reader is told the place
const GAP = 5; // pixels of the screen from its centre to where its arms begin
const ARM = 24; // and to where they end
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ABOUT =
  "Arrow keys move a crosshair by a pixel, with Shift by ten. Space presses the tool there, and lifts it " +
  "again. Enter applies what is shown, Escape gives it up. Plus and minus zoom. The question mark lists all keys.";

/** A pointer of the keyboard, on the pane that has the focus. */
export class Crosshair {
  #stage;
  #describe;
  #pane = null; // the name of the pane on which it is shown, or null
  #at = null; // the pixel [x, y] of the canvas
  #isLeft = false; // whether it comes back with the focus
  #isDown = false;
  #wasDragged = false; // whether it moved since the tool was pressed
  #arrows = new Set(); // that are held
  #lastKey = null; // null after a pointer was pressed
  #mouseAt = null; // where on the screen the mouse was seen
  #timer = 0;

  /**
   * @param describe what lies at a pixel, in words, or ""
   */
  constructor(stage, describe) {
    this.#stage = stage;
    this.#describe = describe;
    const about = make("p", "sr", { id: "about-the-crosshair" });
    about.textContent = ABOUT;
    this.readout = make("p", "caption place", { "aria-hidden": "true", hidden: "" });
    this.told = make("p", "sr", { role: "status", "data-told": "" });
    stage.element.append(about, this.told);
    for (const { element, name } of Object.values(stage.panes)) {
      element.setAttribute("aria-describedby", about.id);
      element.addEventListener("focus", () => {
        if (this.#pane || this.#isLeft || this.#lastKey === "Tab") this.show(name);
      });
      element.addEventListener("blur", ({ relatedTarget }) => {
        if (isPane(relatedTarget)) return;
        this.#isLeft = this.#pane !== null;
        this.hide();
      });
    }
    stage.setMark(this);
    this.#listen();
  }

  /** Whether keys are for it: it is shown, and the pane has the focus. */
  get isShown() {
    return this.#pane !== null && document.activeElement === this.#stage.panes[this.#pane].element;
  }

  /** The pixel [x, y] of the canvas that it is on, or null where it is not shown. */
  get point() {
    return this.isShown ? this.#at : null;
  }

  /** Shows it on a pane: where a pointer is, where it was, or in the middle. */
  show(name) {
    if (!this.#stage.photo) return;
    const { width, height } = this.#stage.size;
    this.#pane = name;
    this.#stage.panes[name].element.append(this.readout);
    this.#at = this.#within(this.#stage.pointer ?? this.#at ?? [(width - 1) / 2, (height - 1) / 2]);
    this.#hear("move");
    this.#stage.reveal(name, this.#at);
    this.#tell(this.#isDown ? "Pressed at " : "");
  }

  /** Shows it on the pane that has the focus; if none has, the one to edit on gets it. */
  begin() {
    if (!isPane(document.activeElement)) this.#stage.focus();
    this.show(document.activeElement.dataset.pane);
  }

  /** Takes it away; the tool is lifted first. */
  hide() {
    if (!this.#pane) return;
    this.lift();
    clearTimeout(this.#timer);
    this.#pane = this.#stage.pointer = null;
    this.readout.hidden = true;
    this.told.textContent = "";
    this.#stage.redraw();
  }

  /** Goes by a pixel, with Shift by ten; aslant while two arrow keys are held. */
  step({ key, shiftKey }) {
    if (!this.isShown) this.begin();
    if (!this.isShown) return; // no photo is there yet
    this.#settle();
    this.#arrows.add(key);
    const size = shiftKey ? 10 : 1;
    const sum = (axis) => [...this.#arrows].reduce((total, arrow) => total + STEPS[arrow][axis], 0);
    this.#at = this.#within([this.#at[0] + size * sum(0), this.#at[1] + size * sum(1)]);
    const place = this.#stage.clientOf(this.#pane, this.#at);
    this.#hear("move");
    this.#at = this.#within(this.#stage.pointAt(this.#pane, place)); // another one if the view was moved
    this.#stage.reveal(this.#pane, this.#at);
    this.#wasDragged = true;
    this.#tell(this.#isDown ? "Pressed at " : "");
  }

  /** Presses the tool, or lifts it. */
  press({ shiftKey }) {
    this.#settle();
    if (this.lift()) return;
    this.#wasDragged = false;
    this.#hear("down", shiftKey);
    this.#isDown = this.#stage.isHeldBy(ID);
    if (!this.#isDown) this.#hear("up"); // nothing more belongs to it
    this.#tell(this.#isDown ? "Pressed at " : "Clicked at ");
  }

  /** The key that presses is let go: what was dragged with the key held ends there. */
  letGo() {
    if (this.#wasDragged) this.lift();
  }

  /** Lifts the tool; whether it was pressed. */
  lift() {
    if (!this.#isDown) return false;
    this.#isDown = false;
    this.#hear("up");
    this.#tell("Lifted at ");
    return true;
  }

  /** The stroke was given up. */
  giveUp() {
    if (!this.#isDown) return;
    this.#settle();
    this.#tell("Given up at ");
  }

  paint(context, toPane, name) {
    if (name !== this.#pane) return;
    const [x, y] = toPane(this.#at);
    for (const [right, down] of Object.values(STEPS)) {
      polyline(context, [
        [x + GAP * right, y + GAP * down],
        [x + ARM * right, y + ARM * down],
      ]);
    }
    if (this.#isDown && this.#stage.isHeldBy(ID)) handle(context, [x, y], { round: true, filled: true });
  }

  #listen() {
    window.addEventListener(
      "keydown",
      ({ key }) => {
        this.#lastKey = key;
      },
      true,
    );
    window.addEventListener("keyup", ({ key }) => this.#arrows.delete(key));
    window.addEventListener("blur", () => this.#arrows.clear());
    window.addEventListener(
      "pointerdown",
      () => {
        this.#lastKey = null;
        this.#isLeft = false;
      },
      true,
    );
    // A pointer of the browser takes over; one that is nudged by accident does not end a stroke.
    const { element } = this.#stage;
    element.addEventListener("pointerdown", () => this.hide(), true);
    element.addEventListener(
      "pointermove",
      ({ screenX, screenY }) => {
        const place = `${screenX} ${screenY}`;
        if (place !== this.#mouseAt && !this.#isDown) this.hide();
        this.#mouseAt = place;
      },
      true,
    );
  }

  /** Learns that a stroke has ended without it: it was undone, given up, or another tool was chosen. */
  #settle() {
    if (!this.#isDown || this.#stage.isHeldBy(ID)) return;
    this.#isDown = false;
    this.#hear("cancel");
  }

  #hear(kind, shiftKey = false) {
    this.#stage.hear(kind, this.#pane, {
      ...this.#stage.clientOf(this.#pane, this.#at),
      pointerId: ID,
      pointerType: "keys",
      button: 0,
      timeStamp: performance.now(),
      shiftKey,
      altKey: false,
    });
  }

  /** The nearest pixel of the canvas. */
  #within([x, y]) {
    const { width, height } = this.#stage.size;
    const bounded = (value, end) => Math.min(Math.max(Math.round(value), 0), end - 1);
    return [bounded(x, width), bounded(y, height)];
  }

  /** Shows the place at once, and tells it when the hand rests. */
  #tell(what) {
    const place = () => [this.#at.join(", "), this.#describe(this.#at)].filter(Boolean).join(": ");
    this.readout.hidden = false;
    this.readout.textContent = place();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.told.textContent = what + place();
    }, REST);
  }
}

function isPane(element) {
  return element instanceof HTMLElement && element.matches(".pane");
}

function make(tag, className, attributes) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
