// Hands for tools that want a picture or a mask: a pad to paint on, objects pasted onto it, and holes.

import { UNMOVED, handles, matrixOf, moved, rotated, scaled } from "../engine/placing.js";
import {
  colorAt,
  fillMask,
  paintStroke,
  polygonMask,
  simplifyPath,
  strokeBounds,
} from "../engine/raster.js";
import { color, radius, selecting, valuesOf } from "../choices.js";
import { actWith, say, upload } from "../store.js";
import { actionOf } from "../toolbox.js";
import { signal } from "../vendor/signals.js";
import { circle, handle, polyline } from "./overlay.js";
import { bounded, pixelOf } from "./painting.js";

const GRIP = 12;
const TURN_DISTANCE = 28;
const HOLE = [255, 64, 129];

/** What a pad is like: {isChanged, canUndo, hasObject, erases}. */
export const pad = signal({ isChanged: false, canUndo: false, hasObject: false, erases: false });

/** Paints on a copy of the photo, or marks a hole in it; what was made goes to the server with Apply. */
export class PadHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
    this.isHole = !tool.takes.includes("picture");
    this.wantsMask = tool.takes.includes("mask");
    this.undone = [];
    this.object = null;
    this.clear("photo");
  }

  /** Begins anew: on the photo, or on a plain ground. */
  clear(ground) {
    const { width, height } = this.stage.size;
    this.before = photoLayer(this.stage, ground === "plain" ? color.value : null);
    this.layer = this.isHole ? this.stage.padLayer(null) : this.stage.padLayer(this.before);
    this.stage.painted(this.layer, { left: 0, top: 0, right: width, bottom: height });
    this.isWhole = ground === "plain";
    this.undone = [];
    this.object = null;
    this.#tell();
    this.stage.redraw();
  }

  down(point, event) {
    this.isDown = true;
    if (this.object) {
      const part = this.#partAt(point);
      if (part) {
        this.drag = { part, from: point, placing: this.object.placing };
        return;
      }
      this.#stamp();
    }
    if (event.altKey) {
      color.value = colorAt(this.layer, ...pixelOf(point)) ?? color.value;
      this.isDown = false;
      return;
    }
    this.#remember();
    if (this.isHole && selecting.value !== "click") {
      this.lasso = [pixelOf(point)];
      return;
    }
    this.path = [pixelOf(point)];
    this.#paint(this.path);
  }

  move(points, event) {
    if (this.drag) {
      const { part, from, placing } = this.drag;
      const to = points.at(-1);
      const { middle } = handles(this.object.bounds, placing, this.object.centre, 1);
      if (part === "move") this.object.placing = moved(placing, from, to);
      else if (part === "scale") this.object.placing = scaled(placing, middle, from, to);
      else this.object.placing = rotated(placing, middle, from, to, event.shiftKey);
      this.stage.redraw();
    } else if (this.lasso) {
      const last = pixelOf(points.at(-1));
      const [x, y] = this.lasso[0];
      if (selecting.value === "rectangle") this.lasso = [[x, y], [last[0], y], last, [x, last[1]]];
      else this.lasso.push(...points.map(pixelOf));
    } else if (this.isDown) {
      for (const point of points.map(pixelOf)) {
        this.#paint([this.path.at(-1), point]);
        this.path.push(point);
      }
    }
  }

  up() {
    if (this.lasso) {
      const { width, height } = this.stage.size;
      const mask = polygonMask(simplifyPath(this.lasso), width, height);
      if (pad.value.erases) eraseMask(this.layer, mask);
      else fillMask(this.layer, mask, HOLE);
      this.stage.painted(this.layer, { left: 0, top: 0, right: width, bottom: height });
      this.lasso = null;
    }
    this.drag = null;
    this.isDown = false;
    this.#tell();
  }

  /** Lays a picture onto the pad, to be moved and scaled until it is stamped. */
  paste(bitmap) {
    if (this.isHole) return false;
    const { width, height } = this.stage.size;
    const fit = Math.min(1, (0.5 * width) / bitmap.width, (0.5 * height) / bitmap.height);
    const [w, h] = [bitmap.width * fit, bitmap.height * fit];
    const [left, top] = [(width - w) / 2 - 0.5, (height - h) / 2 - 0.5];
    this.object = {
      bitmap,
      bounds: { left, top, right: left + w, bottom: top + h },
      centre: [left + w / 2, top + h / 2],
      placing: UNMOVED,
    };
    this.#tell();
    this.stage.redraw();
    return true;
  }

  /** Takes back the last thing done on the pad; whether there was one. */
  undo() {
    if (this.object) {
      this.object = null;
    } else {
      const data = this.undone.pop();
      if (!data) return false;
      this.layer.data.set(data);
      const { width, height } = this.stage.size;
      this.stage.painted(this.layer, { left: 0, top: 0, right: width, bottom: height });
    }
    this.#tell();
    this.stage.redraw();
    return true;
  }

  /** Sends what is on the pad, and shows what is made of it. */
  async apply() {
    if (this.object) this.#stamp();
    if (!pad.value.isChanged) {
      say(
        this.isHole
          ? "Paint over what is to be filled first."
          : "Paint something, or paste a picture, first.",
      );
      return;
    }
    const picture = this.isHole ? null : pngOf(this.layer);
    const mask = this.wantsMask ? pngOf(this.#changed()) : null;
    const values = valuesOf(this.tool);
    await actWith(async () => {
      const given = {};
      if (picture) given.picture = await upload(await picture);
      if (mask) given.mask = await upload(await mask);
      return [actionOf(this.tool, values, given)];
    });
  }

  cancelStroke() {
    if (!this.isDown) return false;
    this.isDown = false;
    this.lasso = null;
    this.drag = null;
    return this.undo();
  }

  cancel() {
    if (this.cancelStroke()) return true;
    if (this.object) return this.undo();
    return false;
  }

  /** Another tool is chosen: the pad is put away. */
  finish() {
    this.stage.padLayer(undefined);
  }

  paint(context, toPane, scale, pane) {
    if (pane !== "drawing") return;
    if (this.lasso) polyline(context, this.lasso.map(toPane), { closed: true, dashed: true });
    if (this.object) {
      const { bitmap, bounds, centre, placing } = this.object;
      const [a, b, c, d, e, f] = matrixOf(placing, centre);
      const [x, y] = toPane([-0.5, -0.5]);
      context.save();
      context.transform(scale, 0, 0, scale, x, y);
      context.transform(a, b, c, d, e + 0.5 - 0.5 * (a + c), f + 0.5 - 0.5 * (b + d));
      const [width, height] = [bounds.right - bounds.left, bounds.bottom - bounds.top];
      context.drawImage(bitmap, bounds.left + 0.5, bounds.top + 0.5, width, height);
      context.restore();
      const distance = TURN_DISTANCE / scale;
      const { corners, turn, head } = handles(bounds, placing, centre, distance, this.stage.isSeen);
      polyline(context, corners.map(toPane), { closed: true });
      polyline(context, [toPane(head), toPane(turn)]);
      for (const corner of corners) handle(context, toPane(corner));
      handle(context, toPane(turn), { round: true });
    } else if (this.stage.pointer && !(this.isHole && selecting.value !== "click")) {
      circle(context, toPane(pixelOf(this.stage.pointer)), (radius.value + 0.5) * scale);
    }
  }

  #paint(points) {
    const size = bounded(radius.value);
    if (pad.value.erases && this.isHole) {
      const { width, height } = this.layer;
      const bare = { width, height, data: new Uint8ClampedArray(this.layer.data.length) };
      const box = paintStroke(bare, points, size, HOLE);
      eraseMask(this.layer, maskOf(bare));
      this.stage.painted(this.layer, box);
      return;
    }
    const paint = this.isHole ? HOLE : pad.value.erases ? this.before : color.value;
    paintStroke(this.layer, points, size, paint);
    this.stage.painted(this.layer, strokeBounds(points, size));
  }

  #remember() {
    this.undone.push(this.layer.data.slice());
    while (this.undone.length > 1 && this.undone.length * this.layer.data.length > 1e8)
      this.undone.shift();
  }

  #stamp() {
    const { bitmap, bounds, centre, placing } = this.object;
    this.#remember();
    const { width, height } = this.stage.size;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.putImageData(new ImageData(this.layer.data.slice(), width, height), 0, 0);
    const [a, b, c, d, e, f] = matrixOf(placing, centre);
    context.setTransform(a, b, c, d, e + 0.5 - 0.5 * (a + c), f + 0.5 - 0.5 * (b + d));
    const [w, h] = [bounds.right - bounds.left, bounds.bottom - bounds.top];
    context.drawImage(bitmap, bounds.left + 0.5, bounds.top + 0.5, w, h);
    this.layer.data.set(context.getImageData(0, 0, width, height).data);
    this.stage.painted(this.layer, { left: 0, top: 0, right: width, bottom: height });
    this.object = null;
    this.#tell();
    this.stage.redraw();
  }

  #partAt(point) {
    const { bounds, centre, placing } = this.object;
    const reach = GRIP / this.stage.scale;
    const distance = TURN_DISTANCE / this.stage.scale;
    const { corners, turn } = handles(bounds, placing, centre, distance, this.stage.isSeen);
    const isNear = ([x, y]) => Math.hypot(x - point[0], y - point[1]) <= reach;
    if (isNear(turn)) return "turn";
    if (corners.some(isNear)) return "scale";
    const [a, b, c, d, e, f] = matrixOf(placing, centre);
    const determinant = a * d - b * c;
    const [x, y] = [point[0] - e, point[1] - f];
    const [px, py] = [(d * x - c * y) / determinant, (a * y - b * x) / determinant];
    const isInside = px >= bounds.left && px <= bounds.right && py >= bounds.top && py <= bounds.bottom;
    return isInside ? "move" : null;
  }

  /** White where the pad differs from the photo, or where the hole is. */
  #changed() {
    const { width, height, data } = this.layer;
    const changed = { width, height, data: new Uint8ClampedArray(data.length) };
    for (let at = 0; at < data.length; at += 4) {
      const differs = this.isHole
        ? data[at + 3] > 0
        : data[at] !== this.before.data[at] ||
          data[at + 1] !== this.before.data[at + 1] ||
          data[at + 2] !== this.before.data[at + 2];
      const value = differs ? 255 : 0;
      changed.data.set([value, value, value, 255], at);
    }
    return changed;
  }

  #tell() {
    const isChanged =
      this.isWhole ||
      this.object !== null ||
      this.#changed().data.some((value, at) => at % 4 === 0 && value > 0);
    pad.value = {
      ...pad.value,
      isChanged,
      canUndo: this.undone.length > 0 || this.object !== null,
      hasObject: this.object !== null,
    };
  }
}

/** A layer as a PNG file. */
async function pngOf({ width, height, data }) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(data.slice(), width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/** The photo at the canvas' size, or a plain colour. */
function photoLayer({ photo, size: { width, height } }, plain) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (plain) {
    context.fillStyle = `rgb(${plain.join(", ")})`;
    context.fillRect(0, 0, width, height);
  } else {
    context.drawImage(photo, 0, 0, width, height);
  }
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

function maskOf({ data }) {
  const mask = new Uint8Array(data.length / 4);
  for (let index = 0; index < mask.length; index++) mask[index] = data[4 * index + 3] ? 1 : 0;
  return mask;
}

function eraseMask({ data }, mask) {
  for (let index = 0; index < mask.length; index++)
    if (mask[index]) data.fill(0, 4 * index, 4 * index + 4);
}
