// The hand that fills an area, whose corners are set one by one or drawn around.

import { color, sparing, valuesOf } from "../choices.js";
import { simplifyPath } from "../engine/raster.js";
import { act, foresee, forgetForesight, say } from "../store.js";
import { actionOf, hasColor } from "../toolbox.js";
import { signal } from "../vendor/signals.js";
import { handle, polyline } from "./overlay.js";
import { pixelOf } from "./painting.js";

const GRIP = 12; // pixels of the screen within which the first corner is hit

/** The area that is not closed yet: {corners, undone: those that were taken back, the newest last}. */
export const area = signal({ corners: [], undone: [] });

/** Fills a polygon: corners by clicks, or drawn around with the button held. */
export class PolygonHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
    this.stroke = [];
    this.#show([]);
  }

  down(point) {
    this.isDown = true;
    this.stroke = [];
    const pixel = pixelOf(point);
    const { corners } = area.value;
    const [first, last] = [corners[0], corners.at(-1)];
    const reach = GRIP / this.stage.scale;
    if (corners.length > 2 && Math.hypot(first[0] - pixel[0], first[1] - pixel[1]) <= reach) {
      this.isDown = false;
      this.apply();
    } else if (last?.join() !== pixel.join()) {
      this.#show([...corners, pixel]);
    }
  }

  move(points) {
    if (!this.isDown) return;
    this.stroke.push(...points.map(pixelOf));
    foreseeIfArea(this.tool, simplifyPath([...area.value.corners, ...this.stroke]));
  }

  up() {
    if (!this.isDown) return;
    this.isDown = false;
    const drawn = simplifyPath(this.stroke);
    if (drawn.length < 4) {
      foreseeIfArea(this.tool, area.value.corners);
      return;
    }
    this.#show([...area.value.corners, ...drawn]);
    this.apply();
  }

  hover() {}

  /** Takes back the last corner; whether there was one. */
  undo() {
    const corners = [...area.value.corners];
    const last = corners.pop();
    if (!last) return false;
    this.isDown = false;
    this.#show(corners, [...area.value.undone, last]);
    this.#foresee();
    return true;
  }

  /** Sets the corner again that was taken back last; whether there was one. */
  redo() {
    const undone = [...area.value.undone];
    const next = undone.pop();
    if (!next || this.isDown) return false;
    this.#show([...area.value.corners, next], undone);
    this.#foresee();
    return true;
  }

  /** Closes the area; the second press of one that has closed it leaves nothing behind. */
  doubleClick() {
    if (area.value.corners.length > 1) this.apply();
    else this.cancel();
  }

  /** Closes the area and fills it; one that has too few corners stays. */
  apply() {
    const corners = simplifyPath(area.value.corners);
    if (corners.length < 3) {
      if (corners.length) say("An area has three corners at least: set another one.");
      return false;
    }
    this.#show([]);
    act(areaAction(this.tool, corners));
    return true;
  }

  cancelStroke() {
    return this.isDown && this.undo();
  }

  /** Drops all corners; whether there were any. */
  cancel() {
    this.isDown = false;
    const had = area.value.corners.length > 0;
    this.#show([]);
    if (had) forgetForesight();
    return had;
  }

  /** Another document is shown: corners that were taken back before that are not set again. */
  documentChanged() {
    this.#show(area.value.corners);
  }

  /** Another tool is chosen: the area is filled, if it is one. */
  finish() {
    if (area.value.corners.length < 3 || !this.apply()) this.cancel();
  }

  paint(context, toPane) {
    const { corners } = area.value;
    if (!corners.length) return;
    const points = [...corners, ...(this.isDown ? this.stroke : [])];
    if (!this.isDown && this.stage.pointer) points.push(pixelOf(this.stage.pointer));
    polyline(context, points.map(toPane), { dashed: true });
    for (const corner of corners) handle(context, toPane(corner), { round: true, size: 4 });
  }

  #show(corners, undone = []) {
    area.value = { corners, undone };
    this.stage.redraw();
  }

  #foresee() {
    if (area.value.corners.length > 2) foreseeIfArea(this.tool, area.value.corners);
    else forgetForesight();
  }
}

function areaAction(tool, polygon) {
  const given = { polygon, ...sparing(tool) };
  if (hasColor(tool)) given.color = color.value;
  return actionOf(tool, valuesOf(tool), given);
}

function foreseeIfArea(tool, corners) {
  if (corners.length > 2) foresee(areaAction(tool, corners));
}
