// The two panes: the drawing over the photo, and the result. Canvases in document pixels, moved and zoomed
// by one CSS transform; over each a canvas in screen pixels for what is not part of the picture.

import { Tiles, clip, partsOf, unite } from "./engine/raster.js";
import * as views from "./engine/view.js";
import { layers, mismatchShown, mode, opacity, originalShown, partsShown, view } from "./choices.js";
import { layerOf, paintBitmap, pixelsOf } from "./stage/canvases.js";
import { Divider } from "./stage/divider.js";
import { make, makePane, placeOf } from "./stage/panes.js";
import { Pointers } from "./stage/pointers.js";
import { workspace } from "./store.js";
import { effect, signal } from "./vendor/signals.js";

/** Shows pictures and hears pointers. */
export class Stage {
  #pointers;
  #divider;
  #frame = 0;
  #dirty = null;
  #tiles = null;
  #overlayDirty = false;
  #originalBitmap = null;
  #fitted = null;
  #mark = null;
  #isOver = signal(true); // whether the drawing lies over the photo

  constructor() {
    this.size = { width: 1, height: 1 };
    this.photo = null;
    this.drawing = null; // a layer of exact colours, what the drawing's canvas shows
    this.original = null; // the drawing before all edits
    this.regions = null; // the drawing without its lines, as a layer, where that is of use
    this.kept = null; // what the keep brush protects, as a layer with alpha
    this.hand = null; // of the tool that is chosen
    this.pointer = null; // [x, y] of the canvas, while a pointer is over a pane
    this.element = make("div", "stage");
    this.panes = {};
    for (const [name, canvases, label] of [
      ["drawing", ["photo", "drawing", "keep", "ground", "pad"], "Drawing over the photo: edit here"],
      ["result", ["photo", "result", "mismatch"], "Result: what your edit makes of the photo"],
    ]) {
      this.panes[name] = makePane(name, canvases, label);
    }
    this.#divider = new Divider(this.panes.result, () => this.size.width);
    this.element.append(this.panes.drawing.element, this.panes.result.element);
    this.#pointers = new Pointers(this);
    const observer = new ResizeObserver(() => this.#resized());
    observer.observe(this.element);
    for (const { element } of Object.values(this.panes)) observer.observe(element);
    effect(() => {
      const { scale, x, y } = view.value;
      for (const pane of Object.values(this.panes)) {
        pane.world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
        pane.world.style.setProperty("--scale", String(scale));
      }
      this.#divider.place();
      this.redraw();
    });
    effect(() => {
      this.element.dataset.mode = mode.value;
      this.element.classList.toggle("shows-original", originalShown.value);
      this.element.classList.toggle("shows-mismatch", mismatchShown.value);
      const { drawing } = this.panes;
      const isUnder = layers.value.photo && this.#isOver.value;
      drawing.canvases.photo.hidden = !isUnder && !originalShown.value;
      drawing.canvases.drawing.hidden = !layers.value.drawing;
      drawing.canvases.keep.hidden = !layers.value.keep;
      drawing.canvases.drawing.style.opacity = isUnder ? opacity.value : 1;
      this.#divider.element.tabIndex = mode.value === "slider" ? 0 : -1;
      this.#divider.place();
      const isHidden = ({ element }) => element === document.activeElement && !element.checkVisibility();
      if (Object.values(this.panes).some(isHidden)) this.focus();
    });
  }

  /** Whether a point of the canvas lies within the pane, as it is zoomed and moved now. */
  isSeen = ([x, y]) => {
    const [left, top] = views.toPane(view.value, [x + 0.5, y + 0.5]);
    const { width, height } = this.paneSize;
    return left >= 0 && top >= 0 && left <= width && top <= height;
  };

  /** The pane's width and height in pixels of the screen. */
  get paneSize() {
    const pane = mode.value === "drawing" ? this.panes.drawing : this.panes.result;
    return { width: pane.element.clientWidth, height: pane.element.clientHeight };
  }

  /** Whether a gesture goes on. */
  get isBusy() {
    return this.#tiles !== null || (this.hand?.isDown ?? false);
  }

  /**
   * Shows another photo; its drawing and result follow.
   *
   * @param isDrawn whether there is a drawing
   * @param isOver whether it lies over the photo, pixel by pixel
   */
  open(photo, size, { keepView, isDrawn, isOver }) {
    this.size = size;
    this.#isOver.value = isOver;
    this.drawing = this.original = this.regions = this.kept = null;
    this.#originalBitmap = null;
    this.#tiles = null;
    for (const pane of Object.values(this.panes)) {
      for (const canvas of Object.values(pane.canvases)) {
        canvas.width = canvas.height = 1;
        canvas.style.width = `${size.width}px`;
        canvas.style.height = `${size.height}px`;
      }
      pane.world.style.width = `${size.width}px`;
      pane.world.style.height = `${size.height}px`;
    }
    this.panes.result.canvases.result.classList.remove("painted");
    this.showPhoto(photo);
    this.panes.drawing.caption.textContent = isDrawn ? "Drawing" : "Photo";
    this.#arrange();
    this.#showCursor();
    if (!keepView) this.fit();
    this.redraw();
  }

  /** Shows the photo that the current document has. */
  showPhoto(bitmap) {
    this.photo = bitmap;
    for (const { canvases } of Object.values(this.panes)) paintBitmap(canvases.photo, bitmap);
  }

  /** Shows the drawing as the server has it. */
  showDrawing(bitmap, original, keep) {
    this.#tiles = null;
    this.#showPainted(); // not over what comes now
    this.drawing = layerOf(this.panes.drawing.canvases.drawing, bitmap);
    if (this.#originalBitmap !== original) {
      this.#originalBitmap = original;
      this.original = pixelsOf(original);
    }
    const canvas = this.panes.drawing.canvases.keep;
    this.kept = keep ? layerOf(canvas, keep) : null;
    if (!keep) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    if (partsShown.value) this.#showParts();
    this.redraw();
  }

  /** Learns what lies under the lines of the drawing; null: that is of no use. */
  learnRegions(bitmap) {
    if (!bitmap && !this.regions) return;
    this.regions = bitmap && pixelsOf(bitmap);
    this.#showParts();
  }

  /** Shows the drawing again, all of it or what is to be seen of its parts. */
  #showParts() {
    const { width, height } = this.size;
    if (this.drawing) this.painted(this.drawing, { left: 0, top: 0, right: width, bottom: height });
  }

  /** Shows a picture as the result. */
  showResult(bitmap) {
    const canvas = this.panes.result.canvases.result;
    paintBitmap(canvas, bitmap);
    canvas.classList.add("painted"); // beside one of other proportions the photo is not seen
    this.element.dataset.painted = String(Number(this.element.dataset.painted ?? 0) + 1);
  }

  /** Shows where the picture could not be known, light = less known; null clears it. */
  showMismatch(bitmap) {
    const canvas = this.panes.result.canvases.mismatch;
    if (!bitmap) {
      canvas.width = canvas.height = 1;
      return;
    }
    paintBitmap(canvas, bitmap);
    const context = canvas.getContext("2d");
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      const amount = pixels.data[at];
      pixels.data.set([255, 70, 60, Math.min(200, amount)], at);
    }
    context.putImageData(pixels, 0, 0);
  }

  /** The layer of what is protected, empty where there was none. */
  keptLayer() {
    if (!this.kept) {
      const canvas = this.panes.drawing.canvases.keep;
      canvas.width = this.size.width;
      canvas.height = this.size.height;
      const { width, height } = this.size;
      this.kept = { width, height, data: new Uint8ClampedArray(width * height * 4) };
      this.kept.image = new ImageData(this.kept.data, width, height);
      this.kept.context = canvas.getContext("2d");
    }
    return this.kept;
  }

  /**
   * The layer of a pad that lies over the photo.
   *
   * @param content a layer to begin with, null for an empty one, undefined to put the pad away
   */
  padLayer(content) {
    const canvas = this.panes.drawing.canvases.pad;
    if (content === undefined) {
      canvas.width = canvas.height = 1;
      return null;
    }
    const { width, height } = this.size;
    canvas.width = width;
    canvas.height = height;
    const data = content ? content.data.slice() : new Uint8ClampedArray(width * height * 4);
    canvas.classList.toggle("hole", !content);
    return {
      width,
      height,
      data,
      image: new ImageData(data, width, height),
      context: canvas.getContext("2d"),
    };
  }

  /** Shows what a mask is marked over instead of the drawing; null: the drawing. */
  showGround(bitmap) {
    const canvas = this.panes.drawing.canvases.ground;
    if (bitmap) paintBitmap(canvas, bitmap);
    else canvas.width = canvas.height = 1;
  }

  /** Pixels of the screen for each of the canvas. */
  get scale() {
    return view.value.scale;
  }

  /** Lets a gesture paint in a layer: what was there is kept, and shown again by `undoPainting`. */
  beginPainting(layer) {
    this.#tiles = new Tiles(layer);
  }

  /** Called before a rectangle is painted in. */
  willPaint(rectangle) {
    this.#tiles?.keep(rectangle);
  }

  /** Called after a rectangle was painted in: it is shown with the next frame. */
  painted(layer, rectangle) {
    const box = clip(rectangle, layer);
    if (!box) return;
    if (this.#dirty && this.#dirty.layer !== layer) this.#showPainted();
    this.#dirty = { layer, box: unite(this.#dirty?.box ?? null, box) };
    this.#wantFrame();
  }

  /** Ends a gesture; what it painted stays. */
  endPainting() {
    this.#tiles = null;
  }

  /** Ends a gesture; what was there before is shown again. */
  undoPainting() {
    if (!this.#tiles) return;
    const layer = this.#tiles.layer;
    this.painted(layer, this.#tiles.restore());
    this.#tiles = null;
  }

  /** Gives the pointer to a tool's hand; the one before is asked to finish. */
  setHand(hand) {
    this.hand = hand;
    this.#showCursor();
    this.redraw();
  }

  /** Shows a mark over everything else: {paint(context, toPane, pane)}. */
  setMark(mark) {
    this.#mark = mark;
  }

  /** Hears of a pointer that is none of the browser's: see `Pointers`. */
  hear(kind, name, event) {
    this.#pointers.hear(kind, name, event);
  }

  /** Whether a pointer that is down moves the view, or draws a stroke that is not over. */
  isHeldBy(pointerId) {
    return this.#pointers.isHeldBy(pointerId);
  }

  /** Where a point of the canvas lies in the window, {clientX, clientY}. */
  clientOf(name, [x, y]) {
    const { left, top } = this.panes[name].element.getBoundingClientRect();
    const [inX, inY] = views.toPane(view.value, [x + 0.5, y + 0.5]);
    return { clientX: left + inX, clientY: top + inY };
  }

  /** The point of the canvas that lies there in the window. */
  pointAt(name, place) {
    return this.pointOf(this.panes[name], place);
  }

  /** Moves the view as little as needed for a point to be seen, not too near to the border. */
  reveal(name, [x, y]) {
    const { clientWidth: width, clientHeight: height } = this.panes[name].element;
    const next = views.reveal(view.value, [x + 0.5, y + 0.5], { width, height });
    if (next.x !== view.value.x || next.y !== view.value.y) view.value = next;
  }

  #showCursor() {
    for (const pane of Object.values(this.panes))
      pane.element.dataset.cursor = this.isDrawnOn(pane) ? (this.hand?.cursor ?? "default") : "grab";
  }

  /** Whether pointers move the view, whatever the tool. */
  set pans(pans) {
    this.#pointers.pans = pans;
  }

  /** Draws again what lies over the pictures. */
  redraw() {
    this.#overlayDirty = true;
    this.#wantFrame();
  }

  /** The whole canvas, centred. */
  fit() {
    const pane = this.paneSize;
    if (pane.width > 0) this.#fitted = view.value = views.fit(this.size, pane);
  }

  /** A scale, centred. */
  zoomTo(scale) {
    view.value = views.centred(this.size, this.paneSize, scale);
  }

  /** Larger or smaller about a point of the canvas, or about the pane's middle. */
  zoomBy(factor, point = null) {
    const { width, height } = this.paneSize;
    const at = point ? views.toPane(view.value, [point[0] + 0.5, point[1] + 0.5]) : [width / 2, height / 2];
    view.value = views.zoomAt(view.value, factor, at);
  }

  focus() {
    const name = mode.value === "drawing" || mode.value === "both" ? "drawing" : "result";
    this.panes[name].element.focus({ preventScroll: true });
  }

  /** Whether a pane shows what lies where it does in the drawing; in another one a hand only moves the view. */
  isDrawnOn(pane) {
    return pane.name === "drawing" || this.#isOver.value;
  }

  /** [x, y] in pixels of the canvas, 0 at the centre of the first pixel. */
  pointOf(pane, event) {
    const [x, y] = views.toCanvas(view.value, placeOf(pane, event));
    return [x - 0.5, y - 0.5];
  }

  /** Panes above each other where that leaves more room for the picture than side by side. */
  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const beside = Math.min(width / 2 / this.size.width, height / this.size.height);
    const above = Math.min(width / this.size.width, height / 2 / this.size.height);
    this.element.classList.toggle("stacked", above > 1.08 * beside);
  }

  #resized() {
    this.#arrange();
    for (const { overlay, element } of Object.values(this.panes)) {
      const ratio = window.devicePixelRatio || 1;
      overlay.width = Math.max(1, Math.round(element.clientWidth * ratio));
      overlay.height = Math.max(1, Math.round(element.clientHeight * ratio));
    }
    if (this.photo && view.value === this.#fitted) this.fit();
    this.redraw();
  }

  #wantFrame() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    this.#showPainted();
    if (this.#overlayDirty) {
      this.#overlayDirty = false;
      for (const pane of Object.values(this.panes)) this.#drawOverlay(pane);
    }
  }

  #showPainted() {
    if (!this.#dirty) return;
    const { layer, box } = this.#dirty;
    this.#dirty = null;
    const [width, height] = [box.right - box.left, box.bottom - box.top];
    if (layer === this.drawing && partsShown.value && this.regions) {
      const line = workspace.value.canvas.edge_color;
      const seen = partsOf(layer, this.regions, line, partsShown.value, box);
      layer.context.putImageData(new ImageData(seen, width, height), box.left, box.top);
    } else {
      layer.context.putImageData(layer.image, 0, 0, box.left, box.top, width, height);
    }
  }

  #drawOverlay(pane) {
    const { overlay, name } = pane;
    const ratio = window.devicePixelRatio || 1;
    const context = overlay.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, overlay.width / ratio, overlay.height / ratio);
    if (!this.photo) return;
    const toPane = ([x, y]) => views.toPane(view.value, [x + 0.5, y + 0.5]);
    if (this.isDrawnOn(pane)) this.hand?.paint?.(context, toPane, view.value.scale, name);
    this.#mark?.paint(context, toPane, name);
  }

}
