// The two panes: the drawing over the photo, and the result. Canvases in document pixels, moved and zoomed
// by one CSS transform; over each a canvas in screen pixels for what is not part of the picture.

import { Tiles, clip, unite } from "./engine/raster.js";
import { Fingers } from "./engine/fingers.js";
import * as views from "./engine/view.js";
import { layers, locks, mismatchShown, mode, opacity, originalShown, view } from "./choices.js";
import { say } from "./store.js";
import { effect, signal } from "./vendor/signals.js";

/** Shows pictures and hears pointers. */
export class Stage {
  #hand = null;
  #fingers = new Fingers();
  #frame = 0;
  #dirty = null;
  #tiles = null;
  #overlayDirty = false;
  #panFrom = null;
  #pans = false;
  #isDividing = false;
  #originalBitmap = null;
  #fitted = null;
  #mark = null;
  #isOver = signal(true); // whether the drawing lies over the photo

  constructor() {
    this.size = { width: 1, height: 1 };
    this.photo = null;
    this.drawing = null; // a layer of exact colours, what the drawing's canvas shows
    this.original = null; // the drawing before all edits
    this.kept = null; // what the keep brush protects, as a layer with alpha
    this.divider = 0.5;
    this.pointer = null; // [x, y] of the canvas, while a pointer is over a pane
    this.element = make("div", "stage");
    this.panes = {};
    for (const [name, canvases, label] of [
      ["drawing", ["photo", "drawing", "keep", "ground", "pad"], "Drawing over the photo: edit here"],
      ["result", ["photo", "result", "mismatch"], "Result: what your edit makes of the photo"],
    ]) {
      this.panes[name] = this.#makePane(name, canvases, label);
    }
    this.#listen();
    const observer = new ResizeObserver(() => this.#resized());
    observer.observe(this.element);
    for (const { element } of Object.values(this.panes)) observer.observe(element);
    effect(() => {
      const { scale, x, y } = view.value;
      for (const pane of Object.values(this.panes)) {
        pane.world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
        pane.world.style.setProperty("--scale", String(scale));
      }
      this.#placeDivider();
      this.redraw();
    });
    effect(() => {
      this.element.dataset.mode = mode.value;
      this.element.classList.toggle("shows-original", originalShown.value);
      this.element.classList.toggle("shows-mismatch", mismatchShown.value);
      const { drawing, result } = this.panes;
      const isUnder = layers.value.photo && this.#isOver.value;
      drawing.canvases.photo.hidden = !isUnder && !originalShown.value;
      drawing.canvases.drawing.hidden = !layers.value.drawing;
      drawing.canvases.keep.hidden = !layers.value.keep;
      drawing.canvases.drawing.style.opacity = isUnder ? opacity.value : 1;
      result.divider.tabIndex = mode.value === "slider" ? 0 : -1;
      this.#placeDivider();
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
    return this.#tiles !== null || (this.#hand?.isDown ?? false);
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
    this.drawing = this.original = this.kept = null;
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
    this.drawing = this.#layerOf(this.panes.drawing.canvases.drawing, bitmap);
    if (this.#originalBitmap !== original) {
      this.#originalBitmap = original;
      this.original = pixelsOf(original);
    }
    const canvas = this.panes.drawing.canvases.keep;
    this.kept = keep ? this.#layerOf(canvas, keep) : null;
    if (!keep) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    this.redraw();
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
    this.#dirty =
      this.#dirty && this.#dirty.layer === layer
        ? { layer, box: unite(this.#dirty.box, box) }
        : { layer, box };
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
    this.#hand = hand;
    this.#showCursor();
    this.redraw();
  }

  /** Shows a mark over everything else: {paint(context, toPane, pane)}. */
  setMark(mark) {
    this.#mark = mark;
  }

  /**
   * Hears of a pointer that is none of the browser's.
   *
   * @param kind "down", "move", "up" or "cancel"
   * @param name of the pane that it is over
   * @param event what of a PointerEvent `Fingers` and hands look at
   */
  hear(kind, name, event) {
    const pane = this.panes[name];
    if (kind === "down") this.#down(pane, event);
    else if (kind === "move") this.#move(pane, event);
    else if (kind === "up") this.#up(pane, event);
    else this.#cancel(event);
  }

  /** Whether a pointer that is down moves the view, or draws a stroke that is not over. */
  isHeldBy(pointerId) {
    if (this.#panFrom?.id === pointerId) return true;
    return this.#fingers.drawing === pointerId && (this.#hand?.isDown ?? false);
  }

  /** Where a point of the canvas lies in the window, {clientX, clientY}. */
  clientOf(name, [x, y]) {
    const { left, top } = this.panes[name].element.getBoundingClientRect();
    const [inX, inY] = views.toPane(view.value, [x + 0.5, y + 0.5]);
    return { clientX: left + inX, clientY: top + inY };
  }

  /** The point of the canvas that lies there in the window. */
  pointAt(name, place) {
    return this.#pointOf(this.panes[name], place);
  }

  /** Moves the view as little as needed for a point to be seen, not too near to the border. */
  reveal(name, [x, y]) {
    const { clientWidth: width, clientHeight: height } = this.panes[name].element;
    const next = views.reveal(view.value, [x + 0.5, y + 0.5], { width, height });
    if (next.x !== view.value.x || next.y !== view.value.y) view.value = next;
  }

  #showCursor() {
    for (const pane of Object.values(this.panes))
      pane.element.dataset.cursor = this.#isDrawnOn(pane) ? (this.#hand?.cursor ?? "default") : "grab";
  }

  /** Whether pointers move the view, whatever the tool. */
  set pans(pans) {
    this.#pans = pans;
    this.element.classList.toggle("pans", pans);
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

  /** Moves the line between before and after, 0 to 1. */
  setDivider(share) {
    this.divider = Math.min(1, Math.max(0, share));
    this.#placeDivider();
  }

  focus() {
    const name = mode.value === "drawing" || mode.value === "both" ? "drawing" : "result";
    this.panes[name].element.focus({ preventScroll: true });
  }

  #makePane(name, names, label) {
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
    const pane = { name, element, world, canvases, overlay, caption };
    if (name === "result") pane.divider = this.#makeDivider(element);
    this.element.append(element);
    return pane;
  }

  #makeDivider(element) {
    const divider = make("div", "divider");
    divider.setAttribute("role", "slider");
    divider.setAttribute("aria-label", "Line between before and after");
    divider.setAttribute("aria-valuemin", "0");
    divider.setAttribute("aria-valuemax", "100");
    divider.setAttribute("aria-valuenow", "50");
    divider.append(make("span", "grip"));
    divider.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.setDivider(this.divider + step);
    });
    divider.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      divider.setPointerCapture(event.pointerId);
      this.#isDividing = true;
    });
    divider.addEventListener("pointermove", (event) => {
      if (!this.#isDividing) return;
      const left = element.getBoundingClientRect().left;
      const { scale, x } = view.value;
      this.setDivider((event.clientX - left - x) / (scale * this.size.width));
    });
    const stop = () => {
      this.#isDividing = false;
    };
    divider.addEventListener("pointerup", stop);
    divider.addEventListener("pointercancel", stop);
    element.append(divider);
    return divider;
  }

  #listen() {
    for (const pane of Object.values(this.panes)) {
      const { element } = pane;
      element.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        element.focus({ preventScroll: true });
        element.setPointerCapture(event.pointerId);
        this.#down(pane, event);
      });
      element.addEventListener("pointermove", (event) => this.#move(pane, event));
      element.addEventListener("pointerup", (event) => this.#up(pane, event));
      element.addEventListener("pointercancel", (event) => this.#cancel(event));
      element.addEventListener("pointerleave", () => {
        this.pointer = null;
        this.redraw();
      });
      element.addEventListener("dblclick", (event) => {
        if (!this.#pans && this.#isDrawnOn(pane))
          this.#hand?.doubleClick?.(this.#pointOf(pane, event), event);
      });
      element.addEventListener("contextmenu", (event) => event.preventDefault());
      element.addEventListener("wheel", (event) => this.#wheel(pane, event), { passive: false });
    }
  }

  #down(pane, event) {
    const pans = this.#pans || this.#hand?.cursor === "grab" || !this.#isDrawnOn(pane);
    const what = this.#fingers.down(fingerOf(pane, event), { pans });
    if (what === "pinch") {
      this.#hand?.cancelStroke?.();
      this.#panFrom = null;
    } else if (what === "pan") {
      this.#panFrom = { id: event.pointerId, at: placeOf(pane, event) };
      this.element.classList.add("panning");
    } else if (what === "draw" && this.#isLocked()) {
      this.#fingers.up(fingerOf(pane, event));
      say("This layer is locked; its lock stands under “Layers”.");
    } else if (what === "draw") {
      this.#hand?.down?.(this.#pointOf(pane, event), event, pane.name);
    }
    this.redraw();
  }

  /** Whether a pane shows what lies where it does in the drawing; in another one a hand only moves the view. */
  #isDrawnOn(pane) {
    return pane.name === "drawing" || this.#isOver.value;
  }

  /** Whether the layer is locked that the hand would change. */
  #isLocked() {
    const layer = this.#hand?.tool?.ink === "keep" ? "keep" : "drawing";
    return Boolean(this.#hand?.apply ?? this.#hand?.tool) && locks.value[layer];
  }

  #move(pane, event) {
    const finger = this.#fingers.move(fingerOf(pane, event));
    this.pointer = this.#isDrawnOn(pane) ? this.#pointOf(pane, event) : null;
    if (finger.kind === "pinch") {
      view.value = views.pinch(view.value, finger.from, finger.to);
    } else if (this.#panFrom?.id === event.pointerId) {
      const [x, y] = placeOf(pane, event);
      const [fromX, fromY] = this.#panFrom.at;
      view.value = views.pan(view.value, [x - fromX, y - fromY], this.size, this.paneSize);
      this.#panFrom.at = [x, y];
    } else if (finger.kind === "draw") {
      const events = event.getCoalescedEvents?.() ?? [];
      const points = (events.length ? events : [event]).map((one) => this.#pointOf(pane, one));
      this.#hand?.move?.(points, event);
    } else if (this.pointer) {
      this.#hand?.hover?.(this.pointer, event);
    }
    this.redraw();
  }

  #up(pane, event) {
    const drew = this.#fingers.up(fingerOf(pane, event));
    if (this.#panFrom?.id === event.pointerId) this.#stopPanning();
    if (drew) this.#hand?.up?.(this.#pointOf(pane, event), event);
    this.redraw();
  }

  #cancel(event) {
    const drew = this.#fingers.up({ pointerId: event.pointerId });
    if (this.#panFrom?.id === event.pointerId) this.#stopPanning();
    if (drew) this.#hand?.cancelStroke?.();
  }

  #stopPanning() {
    this.#panFrom = null;
    this.element.classList.remove("panning");
  }

  #wheel(pane, event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      view.value = views.zoomAt(view.value, Math.exp(-event.deltaY / 300), placeOf(pane, event));
    } else {
      const by = event.shiftKey ? [-event.deltaY, 0] : [-event.deltaX, -event.deltaY];
      view.value = views.pan(view.value, by, this.size, this.paneSize);
    }
  }

  /** [x, y] in pixels of the canvas, 0 at the centre of the first pixel. */
  #pointOf(pane, event) {
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

  #placeDivider() {
    const { divider, canvases } = this.panes.result;
    const { scale, x } = view.value;
    divider.style.transform = `translateX(${x + scale * this.size.width * this.divider}px)`;
    divider.setAttribute("aria-valuenow", String(Math.round(100 * this.divider)));
    canvases.result.style.clipPath =
      mode.value === "slider" ? `inset(0 0 0 ${100 * this.divider}%)` : "none";
  }

  #wantFrame() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    if (this.#dirty) {
      const { layer, box } = this.#dirty;
      this.#dirty = null;
      const [width, height] = [box.right - box.left, box.bottom - box.top];
      layer.context.putImageData(layer.image, 0, 0, box.left, box.top, width, height);
    }
    if (this.#overlayDirty) {
      this.#overlayDirty = false;
      for (const pane of Object.values(this.panes)) this.#drawOverlay(pane);
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
    if (this.#isDrawnOn(pane)) this.#hand?.paint?.(context, toPane, view.value.scale, name);
    this.#mark?.paint(context, toPane, name);
  }

  /** Shows a bitmap in a canvas, and gives its pixels as a layer that can be painted in. */
  #layerOf(canvas, bitmap) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    return { width: canvas.width, height: canvas.height, data: image.data, image, context };
  }
}

function make(tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

function placeOf(pane, event) {
  const { left, top } = pane.element.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}

function fingerOf(pane, event) {
  const [x, y] = placeOf(pane, event);
  const { pointerId, pointerType, button, timeStamp, width, height } = event;
  return { pointerId, pointerType, button, timeStamp, width, height, x, y };
}

function paintBitmap(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}

function pixelsOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { data, width, height };
}
