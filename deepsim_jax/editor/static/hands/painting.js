// Hands that paint: brush, eraser, keep brush, edge pen, and the client's own eyedropper.

import {
  colorAt,
  colorMask,
  drawLine,
  linePoints,
  paintStroke,
  simplifyPath,
  strokeBounds,
} from "../engine/raster.js";
import { pressedRadius } from "../engine/fingers.js";
import {
  color,
  isLocked,
  isStraight,
  pressure,
  radius,
  sparing,
  takeColor,
  valuesOf,
} from "../choices.js";
import { act, foresee, forgetForesight, say, workspace } from "../store.js";
import { actionOf, hasColor } from "../toolbox.js";
import { circle, polyline } from "./overlay.js";

const KEPT = [60, 200, 120];
const LINE = [40, 40, 40];
const NO_LINE = [215, 215, 215];
const STEPS_OF_PRESSURE = 1.25; // a stroke is cut where its radius changes by more than this factor

/** Paints with a round brush, or a line one pixel wide. */
export class PaintingHand {
  cursor = "crosshair";

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
    this.isDown = false;
    this.last = null; // where the last stroke ended, for straight lines with Shift
  }

  get #isLine() {
    return this.tool.ink === "edge";
  }

  down(point, event) {
    if (event.altKey) {
      this.sizing = { x: event.clientX, radius: radius.value, point };
      this.isDown = true;
      return;
    }
    const layer = this.tool.ink === "keep" ? this.stage.keptLayer() : this.stage.drawing;
    if (!layer) return;
    this.isDown = true;
    this.layer = layer;
    this.sparing = sparing(this.tool);
    this.locked = lockedBy(this.stage, this.sparing);
    this.stage.beginPainting(layer);
    this.strokes = [];
    this.begin = pixelOf(point);
    if (event.shiftKey && this.last) {
      this.#extend([this.last, pixelOf(point)], event);
      this.isJoined = true;
    } else {
      this.isJoined = false;
      this.#extend([pixelOf(point)], event);
    }
    this.#foresee();
  }

  move(points, event) {
    if (this.sizing) {
      radius.value = sized(this.sizing, event);
      return;
    }
    if (!this.isDown || this.isJoined) return;
    if (isStraight.value || event.shiftKey) {
      const layer = this.layer;
      this.stage.undoPainting();
      this.stage.beginPainting(layer);
      this.strokes = [];
      this.#extend([this.begin, pixelOf(points.at(-1))], event);
    } else {
      for (const point of points) this.#extend([pixelOf(point)], event);
    }
    this.#foresee();
  }

  up(_point, event) {
    if (this.sizing) {
      if (isClick(this.sizing, event) && hasColor(this.tool)) takeColor(colorUnder(this.stage, this.sizing.point));
      this.sizing = null;
      this.isDown = false;
      return;
    }
    if (!this.isDown) return;
    this.isDown = false;
    this.stage.endPainting();
    this.last = this.strokes.at(-1).points.at(-1);
    act(...this.#actions());
  }

  cancelStroke() {
    if (!this.isDown) return false;
    this.isDown = false;
    this.sizing = null;
    this.stage.undoPainting();
    forgetForesight();
    return true;
  }

  cancel() {
    return this.cancelStroke();
  }

  paint(context, toPane, scale) {
    const { pointer } = this.stage;
    const place = this.sizing ? this.sizing.point : pointer;
    if (!place) return;
    if (this.#isLine) circle(context, toPane(pixelOf(place)), Math.max(3, scale / 2));
    else circle(context, toPane(pixelOf(place)), (radius.value + 0.5) * scale);
    if (this.isDown && isStraight.value && this.begin && !this.sizing) {
      polyline(context, [toPane(this.begin), toPane(pixelOf(place))], { dashed: true });
    }
  }

  #extend(pixels, event) {
    const size = this.#isLine ? 0 : pressure.value ? pressedRadius(radius.value, event) : radius.value;
    let stroke = this.strokes.at(-1);
    const isOther =
      stroke && !this.#isLine && Math.max(stroke.radius / size, size / stroke.radius) > STEPS_OF_PRESSURE;
    if (!stroke || isOther) {
      stroke = { radius: size, points: stroke ? [stroke.points.at(-1)] : [] };
      this.strokes.push(stroke);
    }
    const before = stroke.points.at(-1);
    const path = before ? [before, ...pixels] : pixels;
    stroke.points.push(...pixels);
    const box = strokeBounds(path, Math.max(1, stroke.radius));
    this.stage.willPaint(box);
    let changed;
    if (this.#isLine) changed = drawLine(this.layer, path, edgeColor(), false, this.locked);
    else changed = paintStroke(this.layer, path, stroke.radius, this.#paint(), this.locked);
    this.stage.painted(this.layer, changed);
  }

  #paint() {
    if (this.tool.ink === "original") return this.stage.original;
    if (this.tool.ink === "keep") return KEPT;
    if (this.tool.ink === "sketch") return valuesOf(this.tool).erase ? NO_LINE : LINE;
    return color.value;
  }

  #actions() {
    return this.strokes.map((stroke) => {
      const points = this.#isLine ? exactPath(stroke.points) : simplifyPath(stroke.points);
      const given = { points, ...this.sparing };
      if (hasColor(this.tool)) given.color = color.value;
      const values = valuesOf(this.tool);
      if (!this.#isLine) values.radius = Math.round(stroke.radius * 100) / 100;
      return actionOf(this.tool, values, given);
    });
  }

  #foresee() {
    foresee(...this.#actions());
  }
}

/** Takes the colour under the pointer. */
export class PickingHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, back) {
    this.stage = stage;
    this.back = back;
  }

  down(point) {
    this.isDown = true;
    takeColor(colorUnder(this.stage, point));
  }

  move(points) {
    takeColor(colorUnder(this.stage, points.at(-1)));
  }

  up() {
    this.isDown = false;
    this.back();
  }

  cancelStroke() {
    this.isDown = false;
    return false;
  }

  cancel() {
    return false;
  }

  paint(context, toPane) {
    const { pointer } = this.stage;
    const rgb = pointer && colorUnder(this.stage, pointer);
    if (!rgb) return;
    const [x, y] = toPane(pixelOf(pointer));
    context.fillStyle = `rgb(${rgb.join(", ")})`;
    context.fillRect(x + 12, y - 36, 26, 26);
    context.lineWidth = 2;
    context.strokeStyle = "#ffffff";
    context.strokeRect(x + 12, y - 36, 26, 26);
  }
}

/** Gives the place of a click to a tool: a fill. */
export class PointHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
  }

  down(point) {
    const at = pixelOf(point);
    const { width, height } = this.stage.size;
    if (at[0] < 0 || at[1] < 0 || at[0] >= width || at[1] >= height) {
      say("That is outside of the picture.");
      return;
    }
    if (isSpared(this.stage, this.tool, at)) return;
    const given = { at, ...sparing(this.tool) };
    if (hasColor(this.tool)) given.color = color.value;
    act(actionOf(this.tool, valuesOf(this.tool), given));
  }

  cancelStroke() {
    return false;
  }

  cancel() {
    return false;
  }
}

/** The pixel that a point lies in. */
export function pixelOf([x, y]) {
  return [Math.round(x), Math.round(y)];
}

/** The colour of the drawing, or of the photo where there is no drawing. */
export function colorUnder(stage, point) {
  return stage.drawing ? colorAt(stage.drawing, ...pixelOf(point)) : null;
}

/** Whether a tool leaves the region at a point as it is because its colour is locked; says so. */
export function isSpared(stage, tool, point) {
  const found = sparing(tool).spare !== undefined && isLocked(colorUnder(stage, point));
  if (found) say("This colour is locked; its lock stands beside it in the palette.");
  return found;
}

/** The radius that a drag to the side makes of the one that it began with: {x, radius}. */
export function sized(begun, event) {
  return bounded(begun.radius * Math.exp((event.clientX - begun.x) / 120));
}

/** Whether such a drag went nowhere. */
export function isClick(begun, event) {
  return Math.abs(event.clientX - begun.x) < 3;
}

/** The sizes that a brush can have. */
export function bounded(size) {
  const side = Math.max(...(workspace.value?.canvas?.size ?? [512]));
  return Math.round(Math.min(Math.max(size, 0.5), side / 2) * 2) / 2;
}

/** The pixels that an action leaves as they are, as a mask; null where it spares nothing. */
function lockedBy(stage, { spare }) {
  if (!spare) return null;
  return colorMask(stage.drawing, spare, workspace.value.canvas.edge_color, stage.regions ?? undefined);
}

function edgeColor() {
  return workspace.value.canvas.edge_color ?? [0, 0, 0];
}

/** A path of steps along rows, columns and diagonals only: every program draws those pixels alike. */
function exactPath(points) {
  const path = [points[0]];
  for (let index = 1; index < points.length; index++) {
    path.push(...linePoints(points[index - 1], points[index]).slice(1));
  }
  return simplifyPath(path);
}
