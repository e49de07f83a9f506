// The hand that fills an area, whose corners are set one by one or drawn around.

import { color, valuesOf } from "../choices.js";
import { simplifyPath } from "../engine/raster.js";
import { act, foresee, forgetForesight } from "../store.js";
import { actionOf, hasColor } from "../toolbox.js";
import { handle, polyline } from "./overlay.js";
import { pixelOf } from "./painting.js";

const GRIP = 12; // pixels of the screen within which the first corner is hit

/** Fills a polygon: corners by clicks, or drawn around with the button held. */
export class PolygonHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
    this.corners = [];
  }

  down(point) {
    this.isDown = true;
    const pixel = pixelOf(point);
    const first = this.corners[0];
    const reach = GRIP / this.stage.scale;
    if (this.corners.length > 2 && Math.hypot(first[0] - pixel[0], first[1] - pixel[1]) <= reach) {
      this.isDown = false;
      this.apply();
      return;
    }
    this.corners.push(pixel);
    this.stroke = [];
  }

  move(points) {
    if (!this.isDown) return;
    this.stroke.push(...points.map(pixelOf));
    foreseeIfArea(this.tool, simplifyPath([...this.corners, ...this.stroke]));
  }

  up() {
    if (!this.isDown) return;
    this.isDown = false;
    const drawn = simplifyPath(this.stroke);
    if (drawn.length < 4) {
      foreseeIfArea(this.tool, this.corners);
      return;
    }
    this.corners.push(...drawn);
    this.apply();
  }

  hover() {}

  /** Takes back the last corner; whether there was one. */
  undo() {
    if (!this.corners.length) return false;
    this.isDown = false;
    this.corners.pop();
    if (this.corners.length > 2) foreseeIfArea(this.tool, this.corners);
    else forgetForesight();
    this.stage.redraw();
    return true;
  }

  doubleClick() {
    this.apply();
  }

  apply() {
    const corners = simplifyPath(this.corners);
    this.corners = [];
    this.stage.redraw();
    if (corners.length < 3) return false;
    act(areaAction(this.tool, corners));
    return true;
  }

  cancelStroke() {
    this.isDown = false;
    return false;
  }

  cancel() {
    this.isDown = false;
    const had = this.corners.length > 0;
    this.corners = [];
    this.stage.redraw();
    if (had) forgetForesight();
    return had;
  }

  finish() {
    this.apply();
  }

  paint(context, toPane) {
    if (!this.corners.length) return;
    const points = [...this.corners, ...(this.isDown ? this.stroke : [])];
    if (!this.isDown && this.stage.pointer) points.push(pixelOf(this.stage.pointer));
    polyline(context, points.map(toPane), { dashed: true });
    for (const corner of this.corners) handle(context, toPane(corner), { round: true, size: 4 });
  }
}

function areaAction(tool, polygon) {
  const given = { polygon };
  if (hasColor(tool)) given.color = color.value;
  return actionOf(tool, valuesOf(tool), given);
}

function foreseeIfArea(tool, corners) {
  if (corners.length > 2) foresee(areaAction(tool, corners));
}
