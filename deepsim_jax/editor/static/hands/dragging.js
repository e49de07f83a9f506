// The hand that drags points, with anchors that stay.

import { valuesOf } from "../choices.js";
import { act, foresee, forgetForesight } from "../store.js";
import { actionOf } from "../toolbox.js";
import { signal } from "../vendor/signals.js";
import { circle, handle, polyline } from "./overlay.js";

const GRIP = 12;

/** Points that are dragged, {drags: [{from, to}], anchors: [point]}. */
export const pins = signal({ drags: [], anchors: [] });

/** Whether the next click sets an anchor. */
export const isAnchoring = signal(false);

/** Drags points: press on one and pull. */
export class DraggingHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
    this.held = null;
    this.states = []; // pins as they were before each change
    pins.value = { drags: [], anchors: [] };
  }

  get canAnchor() {
    return this.tool.takes.includes("fixed");
  }

  down(point, event) {
    const { drags, anchors } = pins.value;
    const reach = GRIP / this.stage.scale;
    const isNear = ([x, y]) => Math.hypot(x - point[0], y - point[1]) <= reach;
    const wantsAnchor = this.canAnchor && (isAnchoring.value || event.altKey);
    const anchor = anchors.findIndex(isNear);
    const known = drags.findIndex(({ to }) => isNear(to));
    this.states.push(pins.value);
    if (wantsAnchor && anchor >= 0) {
      pins.value = { drags, anchors: anchors.filter((_, index) => index !== anchor) };
      this.#foresee();
    } else if (wantsAnchor) {
      pins.value = { drags, anchors: [...anchors, rounded(point)] };
      this.#foresee();
    } else if (known >= 0) {
      this.held = known;
      this.isDown = true;
    } else {
      pins.value = { drags: [...drags, { from: rounded(point), to: rounded(point) }], anchors };
      this.held = drags.length;
      this.isDown = true;
    }
  }

  move(points) {
    if (this.held === null) return;
    const drags = pins.value.drags.map((drag, index) =>
      index === this.held ? { from: drag.from, to: rounded(points.at(-1)) } : drag,
    );
    pins.value = { ...pins.value, drags };
    this.#foresee();
  }

  up() {
    this.held = null;
    this.isDown = false;
    const { drags, anchors } = pins.value;
    const moved = drags.filter(({ from, to }) => from[0] !== to[0] || from[1] !== to[1]);
    if (moved.length !== drags.length) pins.value = { drags: moved, anchors };
    if (JSON.stringify(pins.value) === JSON.stringify(this.states.at(-1))) this.states.pop();
  }

  doubleClick(point) {
    if (!this.canAnchor) return;
    const { drags, anchors } = pins.value;
    this.states.push(pins.value);
    pins.value = { drags, anchors: [...anchors, rounded(point)] };
    this.#foresee();
  }

  /** Takes back the last change of the points; whether there was one. */
  undo() {
    const before = this.states.pop();
    if (!before) return false;
    this.held = null;
    this.isDown = false;
    pins.value = before;
    if (before.drags.length) this.#foresee();
    else forgetForesight();
    this.stage.redraw();
    return true;
  }

  /** Shows again what the points make, after an option was changed. */
  changed() {
    this.#foresee();
    this.stage.redraw();
  }

  apply() {
    const { drags } = pins.value;
    if (!drags.length) return false;
    const action = this.#action();
    this.#forget();
    act(action);
    return true;
  }

  finish() {
    if (!this.apply()) this.#forget();
  }

  cancelStroke() {
    return this.isDown && this.undo();
  }

  cancel() {
    const { drags, anchors } = pins.value;
    this.held = null;
    this.isDown = false;
    this.#forget();
    if (drags.length) forgetForesight();
    return drags.length + anchors.length > 0;
  }

  paint(context, toPane, scale) {
    const { drags, anchors } = pins.value;
    const { reach } = valuesOf(this.tool);
    for (const { from, to } of drags) {
      polyline(context, [toPane(from), toPane(to)]);
      handle(context, toPane(from), { round: true, size: 4 });
      handle(context, toPane(to), { round: true, filled: true, size: 7 });
      if (reach && this.isDown) circle(context, toPane(to), reach * scale, { dashed: true });
    }
    for (const anchor of anchors) handle(context, toPane(anchor), { size: 5 });
  }

  #action() {
    const { drags, anchors } = pins.value;
    const given = { from: drags.map(({ from }) => from), to: drags.map(({ to }) => to) };
    if (anchors.length) given.fixed = anchors;
    return actionOf(this.tool, valuesOf(this.tool), given);
  }

  #foresee() {
    if (pins.value.drags.length) foresee(this.#action());
  }

  #forget() {
    this.states = [];
    pins.value = { drags: [], anchors: [] };
    this.stage.redraw();
  }
}

function rounded([x, y]) {
  return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
}
