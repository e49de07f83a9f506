// The hand that takes a part, which is moved, scaled, turned, copied or deleted.

import {
  UNMOVED,
  handles,
  isUnmoved,
  matrixOf,
  moved,
  rotated,
  scaled,
  transform,
} from "../engine/placing.js";
import { maskBounds, maskCentre, maskOutline, polygonMask, simplifyPath } from "../engine/raster.js";
import { selecting, sparing, valuesOf } from "../choices.js";
import { withQuery } from "../api.js";
import {
  act,
  current,
  fetchMask,
  foresee,
  forgetForesight,
  guarded,
  path,
  say,
  settled,
  workspace,
} from "../store.js";
import { actionOf } from "../toolbox.js";
import { signal } from "../vendor/signals.js";
import { handle, polyline, segments } from "./overlay.js";
import { isSpared, pixelOf } from "./painting.js";

const GRIP = 12; // pixels of the screen within which a handle is taken hold of
const TURN_DISTANCE = 28;

/** What is selected: {of: document, given, mask, bounds, centre, outline, placing, isCopy}, or null. */
export const selection = signal(null);

/** Selects a part and places it. */
export class RegionHand {
  cursor = "default";
  isDown = false;

  constructor(stage, tools) {
    this.stage = stage;
    this.placers = tools.filter((tool) => tool.takes.includes("by"));
    this.others = tools.filter((tool) => !tool.takes.includes("by"));
    this.lasso = null;
    this.drag = null;
  }

  /** The tool that leaves the part where it was, if there is one. */
  get copier() {
    return this.placers[1] ?? null;
  }

  async down(point, event) {
    this.isDown = true;
    const selected = selection.value;
    if (selected) {
      const part = this.#partAt(point);
      if (part) {
        this.drag = { part, from: point, placing: selected.placing };
        if (event.altKey && this.copier && isUnmoved(selected.placing)) this.setCopy(true);
        return;
      }
      this.apply();
    }
    if (selecting.value === "click") {
      const drag = { part: "move", from: point, placing: UNMOVED, last: point };
      this.drag = drag;
      await this.selectAt(pixelOf(point));
      if (event.altKey && this.copier) this.setCopy(true);
      if (selection.value && this.drag === drag && drag.last !== point) this.#dragTo(drag.last, event);
    } else {
      this.lasso = [pixelOf(point)];
    }
  }

  move(points, event) {
    if (!this.isDown) return;
    const point = points.at(-1);
    if (this.lasso) {
      if (selecting.value === "rectangle") {
        const [[x1, y1], [x2, y2]] = [this.lasso[0], pixelOf(point)];
        this.lasso = [
          [x1, y1],
          [x2, y1],
          [x2, y2],
          [x1, y2],
        ];
      } else {
        for (const one of points) this.lasso.push(pixelOf(one));
      }
    } else if (this.drag) {
      this.drag.last = point;
      if (selection.value) this.#dragTo(point, event);
    }
  }

  up() {
    this.isDown = false;
    this.drag = null;
    const corners = this.lasso && simplifyPath(this.lasso);
    this.lasso = null;
    if (corners && corners.length > 2) this.selectPolygon(corners);
  }

  /** Selects what the server takes for the part at a point. */
  async selectAt(at) {
    await settled();
    const [document, address] = [current.value, path("region")];
    const query = { document, x: at[0], y: at[1] };
    const mask = await guarded(() => fetchMask(withQuery(address, query)));
    const isSame = document === current.value && workspace.value && address === path("region");
    if (mask && isSame) this.#select({ at }, mask, maskCentre(mask, this.stage.size.width));
  }

  /** Selects what lies within corners. */
  selectPolygon(corners) {
    const { width, height } = this.stage.size;
    const mask = polygonMask(corners, width, height);
    const centre = [0, 1].map(
      (axis) => corners.reduce((sum, one) => sum + one[axis], 0) / corners.length,
    );
    this.#select({ polygon: corners }, mask, centre);
  }

  /** Places the selected part: {by, scale, rotate, flip}. */
  place(placing) {
    selection.value = { ...selection.value, placing };
    this.#foresee();
    this.stage.redraw();
  }

  /** Chooses whether the part stays where it was, too. */
  setCopy(isCopy) {
    selection.value = { ...selection.value, isCopy };
    if (!isUnmoved(selection.value.placing)) this.#foresee();
  }

  /** Does what is shown. */
  apply() {
    const selected = selection.value;
    this.#forget();
    if (!selected || isUnmoved(selected.placing)) return false;
    act(this.#action(selected));
    return true;
  }

  /** Does something that needs no place: a deletion. */
  applyOther(tool) {
    const selected = selection.value;
    if (!selected) {
      say("Choose a part of the picture first: click on it, or draw around it.");
      return;
    }
    const { at } = selected.given;
    if (at && isSpared(this.stage, tool, at)) return;
    this.#forget();
    act(actionOf(tool, valuesOf(tool), { ...selected.given, ...sparing(tool) }));
  }

  /** Gives up what is being drawn around a part; whether that went on. */
  cancelStroke() {
    const wasDrawn = this.lasso !== null;
    this.isDown = false;
    this.lasso = null;
    this.drag = null;
    if (wasDrawn) this.stage.redraw();
    return wasDrawn;
  }

  /** Takes back where the selected part was placed; whether it was. */
  undo() {
    if (!selection.value || isUnmoved(selection.value.placing)) return false;
    this.cancelStroke();
    selection.value = { ...selection.value, placing: UNMOVED, isCopy: false };
    forgetForesight();
    this.stage.redraw();
    return true;
  }

  /** Another document is shown: what a click took of the one before is no longer selected. */
  documentChanged() {
    if (selection.value?.given.at && selection.value.of !== current.value) this.#forget();
  }

  cancel() {
    if (this.cancelStroke()) return true;
    if (!selection.value) return false;
    const wasMoved = !isUnmoved(selection.value.placing);
    this.#forget();
    if (wasMoved) forgetForesight();
    return true;
  }

  finish() {
    this.apply();
  }

  /** Moves the selected part by pixels. */
  nudge([x, y]) {
    if (!selection.value) return false;
    const { placing } = selection.value;
    this.place({ ...placing, by: [placing.by[0] + x, placing.by[1] + y] });
    return true;
  }

  paint(context, toPane, scale, pane) {
    if (this.lasso)
      polyline(context, this.lasso.map(toPane), {
        closed: selecting.value === "rectangle",
        dashed: true,
      });
    const selected = selection.value;
    if (!selected) return;
    const { bounds, centre, placing, outline, ghost } = selected;
    const matrix = matrixOf(placing, centre);
    if (pane === "drawing" && ghost && !isUnmoved(placing)) {
      const [a, b, c, d, e, f] = matrix;
      const [originX, originY] = toPane([-0.5, -0.5]);
      context.save();
      context.globalAlpha = 0.9;
      context.transform(scale, 0, 0, scale, originX, originY);
      context.transform(a, b, c, d, e + 0.5 - 0.5 * (a + c), f + 0.5 - 0.5 * (b + d));
      context.drawImage(ghost, bounds.left, bounds.top);
      context.restore();
    }
    const place = ([x, y]) => toPane(transform(matrix, [x - 0.5, y - 0.5]));
    segments(context, outline, place);
    if (!this.placers.length) return;
    const distance = TURN_DISTANCE / scale;
    const { corners, turn, head } = handles(box(bounds), placing, centre, distance, this.stage.isSeen);
    polyline(context, corners.map(toPane), { closed: true });
    polyline(context, [toPane(head), toPane(turn)]);
    for (const corner of corners) handle(context, toPane(corner));
    handle(context, toPane(turn), { round: true });
  }

  #select(given, mask, centre) {
    const { width, height } = this.stage.size;
    const bounds = maskBounds(mask, width, height);
    if (!bounds) {
      say("There is nothing to take there.");
      return;
    }
    const outline = maskOutline(mask, width, height);
    const ghost = ghostOf(this.stage, mask, bounds);
    selection.value = {
      of: current.value,
      given,
      mask,
      bounds,
      centre,
      outline,
      ghost,
      placing: UNMOVED,
      isCopy: false,
    };
    this.stage.redraw();
  }

  #partAt(point) {
    const { bounds, centre, placing, mask } = selection.value;
    const reach = GRIP / this.stage.scale;
    const distance = TURN_DISTANCE / this.stage.scale;
    const { corners, turn } = handles(box(bounds), placing, centre, distance, this.stage.isSeen);
    const isNear = ([x, y]) => Math.hypot(x - point[0], y - point[1]) <= reach;
    if (isNear(turn)) return "turn";
    if (corners.some(isNear)) return "scale";
    const [a, b, c, d, e, f] = matrixOf(placing, centre);
    const determinant = a * d - b * c;
    const [x, y] = [point[0] - e, point[1] - f];
    const [px, py] = pixelOf([(d * x - c * y) / determinant, (a * y - b * x) / determinant]);
    const { width } = this.stage.size;
    const isInBox = px >= bounds.left && px < bounds.right && py >= bounds.top && py < bounds.bottom;
    return isInBox && (mask[py * width + px] || bounds.right - bounds.left < 24) ? "move" : null;
  }

  #dragTo(point, event) {
    const { part, from, placing } = this.drag;
    const { middle } = handles(box(selection.value.bounds), placing, selection.value.centre, 1);
    if (part === "move") {
      const next = moved(placing, from, point);
      this.place({ ...next, by: next.by.map((value) => Math.round(value * 10) / 10) });
    } else if (part === "scale") {
      this.place(scaled(placing, middle, from, point));
    } else {
      this.place(rotated(placing, middle, from, point, event.shiftKey));
    }
  }

  #action({ given, placing, isCopy }) {
    const tool = isCopy && this.copier ? this.copier : this.placers[0];
    const action = { tool: tool.name, ...given, by: placing.by };
    if (placing.scale !== 1) action.scale = placing.scale;
    if (placing.rotate !== 0) action.rotate = placing.rotate;
    if (placing.flip) action.flip = true;
    return action;
  }

  #foresee() {
    if (this.placers.length) foresee(this.#action(selection.value));
  }

  #forget() {
    selection.value = null;
    this.stage.redraw();
  }
}

function box({ left, top, right, bottom }) {
  return { left: left - 0.5, top: top - 0.5, right: right - 0.5, bottom: bottom - 0.5 };
}

/** The photo's pixels in a mask, to be shown while they are moved. */
function ghostOf(stage, mask, { left, top, right, bottom }) {
  const [width, height] = [right - left, bottom - top];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const cut = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[(y + top) * stage.size.width + x + left]) cut.data[(y * width + x) * 4 + 3] = 255;
    }
  }
  context.putImageData(cut, 0, 0);
  context.globalCompositeOperation = "source-in";
  const { photo, size } = stage;
  const [ratioX, ratioY] = [photo.width / size.width, photo.height / size.height];
  context.drawImage(
    photo,
    left * ratioX,
    top * ratioY,
    width * ratioX,
    height * ratioY,
    0,
    0,
    width,
    height,
  );
  return canvas;
}
