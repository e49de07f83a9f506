// Hands for tools that want a picture or a mask: a pad to paint on, objects pasted onto it, and holes.

import { UNMOVED, handles, matrixOf, moved, rotated, scaled } from "../engine/placing.js";
import {
  colorAt,
  fillMask,
  maskBounds,
  paintStroke,
  polygonMask,
  simplifyPath,
  strokeBounds,
} from "../engine/raster.js";
import { color, radius, selecting, valuesOf } from "../choices.js";
import { actWith, current, guarded, layerOf, say, upload, workspace } from "../store.js";
import { actionOf, titleOf } from "../toolbox.js";
import { signal } from "../vendor/signals.js";
import { circle, handle, polyline } from "./overlay.js";
import { bounded, isClick, pixelOf, sized } from "./painting.js";

const GRIP = 12;
const TURN_DISTANCE = 28;
const HOLE = [255, 64, 129];

const EMPTY = { isChanged: false, canUndo: false, canRedo: false };

/** What the pad is like: {isChanged, canUndo, canRedo, does: "draw", "erase" or "take" a piece}. */
export const pad = signal({ ...EMPTY, does: "draw" });

const kept = new Map(); // "workspace/tool" -> what was on a pad when another tool was chosen

/** Forgets what was on pads of other workspaces than one. */
export function forgetPads(but) {
  for (const key of kept.keys()) if (!key.startsWith(`${but}/`)) kept.delete(key);
}

/** Titles of tools on whose pads is something that was not sent, beside the one that is shown. */
export function unsentPads() {
  return [...kept.values()].filter(({ isUnsent }) => isUnsent).map(({ tool }) => titleOf(tool));
}

/** Paints on a copy of the photo, or marks a hole in it; what was made goes to the server with Apply. */
export class PadHand {
  cursor = "crosshair";
  isDown = false;

  constructor(stage, tool) {
    this.stage = stage;
    this.tool = tool;
    this.isHole = !tool.takes.includes("picture");
    this.wantsMask = tool.takes.includes("mask");
    this.key = `${workspace.value.workspace}/${tool.name}`;
    this.#begin();
    this.documentChanged();
    const left = kept.get(this.key);
    kept.delete(this.key);
    if (left?.state.data.length !== this.layer.data.length) return;
    this.done = left.done;
    this.undone = left.undone;
    this.isUnsent = left.isUnsent;
    this.#show(left.state);
  }

  #begin() {
    this.before = photoLayer(this.stage, null);
    this.layer = this.stage.padLayer(this.isHole ? null : this.before);
    this.isWhole = false; // whether all of it counts as changed
    this.object = null; // what was pasted and is not stamped yet
    this.done = []; // the pad's states before each change, the newest last
    this.undone = []; // states that were taken back
    this.isUnsent = false;
    this.#show(this.#state());
  }

  /** The current document is another one: what a mask is marked over may be, too. */
  async documentChanged() {
    if (!this.tool.ground) return;
    const document = current.value;
    const bitmap = await guarded(() => layerOf(document, this.tool.ground));
    if (bitmap && document === current.value && !this.isPutAway) this.stage.showGround(bitmap);
  }

  /** Whether there is something on it that was not sent. */
  get hasWork() {
    return this.isUnsent && pad.value.isChanged;
  }

  /** Begins anew: on the photo, or on a plain ground. */
  clear(ground) {
    this.#remember();
    const isWhole = ground === "plain";
    const before = photoLayer(this.stage, isWhole ? color.value : null);
    const data = this.isHole ? new Uint8ClampedArray(this.layer.data.length) : before.data;
    this.#show({ data, before, isWhole, object: null });
  }

  down(point, event) {
    this.isDown = true;
    if (this.object) {
      const part = this.#partAt(point);
      if (part) {
        this.#remember();
        this.drag = { part, from: point, placing: this.object.placing };
        return;
      }
      this.#stamp();
    }
    if (event.altKey) {
      this.sizing = { x: event.clientX, radius: radius.value, point };
      this.isDown = false; // nothing is changed that could be taken back
      return;
    }
    this.#remember();
    if (this.#drawsAround) {
      this.lasso = [pixelOf(point)];
      return;
    }
    this.path = [pixelOf(point)];
    this.#paint(this.path);
  }

  move(points, event) {
    if (this.sizing) {
      radius.value = sized(this.sizing, event);
    } else if (this.drag) {
      const { part, from, placing } = this.drag;
      const to = points.at(-1);
      const { middle } = handles(this.object.bounds, placing, this.object.centre, 1);
      let next;
      if (part === "move") next = movedWhole(placing, from, to);
      else if (part === "scale") next = scaled(placing, middle, from, to);
      else next = rotated(placing, middle, from, to, event.shiftKey);
      this.object = { ...this.object, placing: next };
      this.stage.redraw();
    } else if (this.lasso) {
      const last = pixelOf(points.at(-1));
      const [x, y] = this.lasso[0];
      if (this.isHole && selecting.value === "rectangle") this.lasso = [[x, y], [last[0], y], last, [x, last[1]]];
      else this.lasso.push(...points.map(pixelOf));
    } else if (this.isDown) {
      for (const point of points.map(pixelOf)) {
        this.#paint([this.path.at(-1), point]);
        this.path.push(point);
      }
    }
  }

  up(_point, event) {
    if (this.sizing) {
      const takes = isClick(this.sizing, event) && !this.isHole;
      if (takes) color.value = colorAt(this.layer, ...pixelOf(this.sizing.point)) ?? color.value;
      this.sizing = null;
      return;
    }
    if (this.lasso) {
      const { width, height } = this.stage.size;
      const corners = simplifyPath(this.lasso);
      const mask = polygonMask(corners, width, height);
      if (!this.isHole) this.#lift(corners.length > 2 ? mask : new Uint8Array(mask.length));
      else if (pad.value.does === "erase") eraseMask(this.layer, mask);
      else fillMask(this.layer, mask, HOLE);
      this.stage.painted(this.layer, { left: 0, top: 0, right: width, bottom: height });
      this.lasso = null;
    }
    if (this.drag && this.object.placing === this.drag.placing) this.done.pop();
    this.drag = null;
    this.isDown = false;
    this.#tell();
  }

  /** Lays a picture onto the pad, to be moved and scaled until it is stamped. */
  paste(bitmap) {
    if (this.isHole) return false;
    if (this.object) this.#stamp();
    this.#remember();
    const { width, height } = this.stage.size;
    const fit = Math.min(1, (0.5 * width) / bitmap.width, (0.5 * height) / bitmap.height);
    const [w, h] = [bitmap.width * fit, bitmap.height * fit];
    const [left, top] = [(width - w) / 2 - 0.5, (height - h) / 2 - 0.5];
    this.#hold(bitmap, { left, top, width: w, height: h });
    this.#tell();
    this.stage.redraw();
    return true;
  }

  /** Takes back the last thing done on the pad; whether there was one. */
  undo() {
    if (this.cancelStroke()) return true;
    return this.#swap(this.done, this.undone);
  }

  /** Does again what was taken back last; whether there was something. */
  redo() {
    return !this.isDown && this.#swap(this.undone, this.done);
  }

  /** Sends what is on the pad, and shows what is made of it. */
  async apply() {
    if (this.object) this.#stamp();
    if (!pad.value.isChanged) {
      say(
        this.isHole
          ? "Mark something first."
          : "Paint something, or paste a picture, first.",
      );
      return;
    }
    const picture = this.isHole ? null : pngOf(this.layer);
    const mask = this.wantsMask ? pngOf(this.#changed()) : null;
    const values = valuesOf(this.tool);
    this.isUnsent = false;
    const isDone = await actWith(async () => {
      const given = {};
      if (picture) given.picture = await upload(await picture);
      if (mask) given.mask = await upload(await mask);
      return [actionOf(this.tool, values, given)];
    });
    if (!isDone) this.isUnsent = true;
  }

  cancelStroke() {
    this.sizing = null;
    if (!this.isDown) return false;
    this.isDown = false;
    this.lasso = null;
    this.drag = null;
    this.#show(this.done.pop());
    return true;
  }

  /** Gives up the stroke, then what was pasted, then all that was painted; `undo` brings it back. */
  cancel() {
    if (this.cancelStroke()) return true;
    if (!pad.value.isChanged) return false;
    if (this.object) {
      this.#remember();
      this.#show({ ...this.#state(), object: null });
    } else {
      this.clear("photo");
    }
    return true;
  }

  /** Another tool is chosen: the pad is put away until this one is chosen again. */
  finish() {
    if (this.isDown) this.up();
    const { done, undone, tool } = this;
    if (pad.value.canUndo || pad.value.canRedo)
      kept.set(this.key, { state: this.#state(), done, undone, isUnsent: this.hasWork, tool });
    this.stage.padLayer(undefined);
    this.isPutAway = true;
    this.stage.showGround(null);
    pad.value = { ...pad.value, ...EMPTY };
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
    } else if (this.stage.pointer && !this.#drawsAround) {
      const place = this.sizing?.point ?? this.stage.pointer;
      circle(context, toPane(pixelOf(place)), (radius.value + 0.5) * scale);
    }
  }

  /** Whether a hand draws around something, rather than painting. */
  get #drawsAround() {
    return this.isHole ? selecting.value !== "click" : pad.value.does === "take";
  }

  #paint(points) {
    const size = bounded(radius.value);
    const erases = pad.value.does === "erase";
    if (erases && this.isHole) {
      const { width, height } = this.layer;
      const bare = { width, height, data: new Uint8ClampedArray(this.layer.data.length) };
      const box = paintStroke(bare, points, size, HOLE);
      eraseMask(this.layer, maskOf(bare));
      this.stage.painted(this.layer, box);
      return;
    }
    const paint = this.isHole ? HOLE : erases ? this.before : color.value;
    paintStroke(this.layer, points, size, paint);
    this.stage.painted(this.layer, strokeBounds(points, size));
  }

  #state() {
    const { before, isWhole, object } = this;
    return { data: this.layer.data.slice(), before, isWhole, object };
  }

  #show({ data, before, isWhole, object }) {
    Object.assign(this, { before, isWhole, object });
    this.layer.data.set(data);
    const { width, height } = this.stage.size;
    this.stage.painted(this.layer, { left: 0, top: 0, right: width, bottom: height });
    this.#tell();
    this.stage.redraw();
  }

  /** Goes to the newest of some states, and puts what there was among others. */
  #swap(from, to) {
    const next = from.pop();
    if (!next) return false;
    to.push(this.#state());
    this.isUnsent = true;
    this.#show(next);
    return true;
  }

  /** Called before each change. */
  #remember() {
    this.isUnsent = true;
    this.undone = [];
    this.done.push(this.#state());
    while (this.done.length > 1 && this.done.length * this.layer.data.length > 1e8) this.done.shift();
  }

  /** Takes a piece of the pad into the hand, to be moved and scaled until it is stamped. */
  #lift(mask) {
    const { width, height } = this.layer;
    const bounds = maskBounds(mask, width, height);
    if (!bounds) {
      this.done.pop();
      return;
    }
    const { left, top, right, bottom } = bounds;
    const [w, h] = [right - left, bottom - top];
    const bitmap = new OffscreenCanvas(w, h);
    const piece = new ImageData(w, h);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const at = (y + top) * width + x + left;
        if (mask[at]) piece.data.set(this.layer.data.subarray(4 * at, 4 * at + 4), 4 * (y * w + x));
      }
    }
    bitmap.getContext("2d").putImageData(piece, 0, 0);
    this.#hold(bitmap, { left: left - 0.5, top: top - 0.5, width: w, height: h });
  }

  #hold(bitmap, { left, top, width, height }) {
    this.object = {
      bitmap,
      bounds: { left, top, right: left + width, bottom: top + height },
      centre: [left + width / 2, top + height / 2],
      placing: UNMOVED,
    };
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
      canUndo: this.done.length > 0,
      canRedo: this.undone.length > 0,
    };
  }
}

/** Moved by whole pixels, so that a piece of the photo stays as sharp as it was. */
function movedWhole(placing, from, to) {
  const next = moved(placing, from, to);
  return { ...next, by: next.by.map(Math.round) };
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
