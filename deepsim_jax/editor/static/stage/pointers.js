// What pointers do on the panes: the tool's hand draws, fingers pan and pinch, a wheel zooms.

import { locks, view } from "../choices.js";
import { Fingers } from "../engine/fingers.js";
import * as views from "../engine/view.js";
import { say } from "../store.js";
import { placeOf } from "./panes.js";

/** Hears the pointers of a stage, and gives to its hand what is not for the view. */
export class Pointers {
  #stage;
  #fingers = new Fingers();
  #panFrom = null;
  #pans = false;

  constructor(stage) {
    this.#stage = stage;
    this.#listen();
  }

  /**
   * Hears of a pointer that is none of the browser's.
   *
   * @param kind "down", "move", "up" or "cancel"
   * @param name of the pane that it is over
   * @param event what of a PointerEvent `Fingers` and hands look at
   */
  hear(kind, name, event) {
    const pane = this.#stage.panes[name];
    if (kind === "down") this.#down(pane, event);
    else if (kind === "move") this.#move(pane, event);
    else if (kind === "up") this.#up(pane, event);
    else this.#cancel(event);
  }

  /** Whether a pointer that is down moves the view, or draws a stroke that is not over. */
  isHeldBy(pointerId) {
    if (this.#panFrom?.id === pointerId) return true;
    return this.#fingers.drawing === pointerId && (this.#stage.hand?.isDown ?? false);
  }

  /** Whether pointers move the view, whatever the tool. */
  set pans(pans) {
    this.#pans = pans;
    this.#stage.element.classList.toggle("pans", pans);
  }

  #listen() {
    for (const pane of Object.values(this.#stage.panes)) {
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
        this.#stage.pointer = null;
        this.#stage.redraw();
      });
      element.addEventListener("dblclick", (event) => {
        if (!this.#pans && this.#stage.isDrawnOn(pane))
          this.#stage.hand?.doubleClick?.(this.#stage.pointOf(pane, event), event);
      });
      element.addEventListener("contextmenu", (event) => event.preventDefault());
      element.addEventListener("wheel", (event) => this.#wheel(pane, event), { passive: false });
    }
  }

  #down(pane, event) {
    const pans = this.#pans || this.#stage.hand?.cursor === "grab" || !this.#stage.isDrawnOn(pane);
    const what = this.#fingers.down(fingerOf(pane, event), { pans });
    if (what === "pinch") {
      this.#stage.hand?.cancelStroke?.();
      this.#panFrom = null;
    } else if (what === "pan") {
      this.#panFrom = { id: event.pointerId, at: placeOf(pane, event) };
      this.#stage.element.classList.add("panning");
    } else if (what === "draw" && this.#isLocked()) {
      this.#fingers.up(fingerOf(pane, event));
      say("This layer is locked; its lock stands under “Layers”.");
    } else if (what === "draw") {
      this.#stage.hand?.down?.(this.#stage.pointOf(pane, event), event, pane.name);
    }
    this.#stage.redraw();
  }

  /** Whether the layer is locked that the hand would change. */
  #isLocked() {
    const layer = this.#stage.hand?.tool?.ink === "keep" ? "keep" : "drawing";
    return Boolean(this.#stage.hand?.apply ?? this.#stage.hand?.tool) && locks.value[layer];
  }

  #move(pane, event) {
    const finger = this.#fingers.move(fingerOf(pane, event));
    this.#stage.pointer = this.#stage.isDrawnOn(pane) ? this.#stage.pointOf(pane, event) : null;
    if (finger.kind === "pinch") {
      view.value = views.pinch(view.value, finger.from, finger.to);
    } else if (this.#panFrom?.id === event.pointerId) {
      const [x, y] = placeOf(pane, event);
      const [fromX, fromY] = this.#panFrom.at;
      view.value = views.pan(view.value, [x - fromX, y - fromY], this.#stage.size, this.#stage.paneSize);
      this.#panFrom.at = [x, y];
    } else if (finger.kind === "draw") {
      const events = event.getCoalescedEvents?.() ?? [];
      const points = (events.length ? events : [event]).map((one) => this.#stage.pointOf(pane, one));
      this.#stage.hand?.move?.(points, event);
    } else if (this.#stage.pointer) {
      this.#stage.hand?.hover?.(this.#stage.pointer, event);
    }
    this.#stage.redraw();
  }

  #up(pane, event) {
    const drew = this.#fingers.up(fingerOf(pane, event));
    if (this.#panFrom?.id === event.pointerId) this.#stopPanning();
    if (drew) this.#stage.hand?.up?.(this.#stage.pointOf(pane, event), event);
    this.#stage.redraw();
  }

  #cancel(event) {
    const drew = this.#fingers.up({ pointerId: event.pointerId });
    if (this.#panFrom?.id === event.pointerId) this.#stopPanning();
    if (drew) this.#stage.hand?.cancelStroke?.();
  }

  #stopPanning() {
    this.#panFrom = null;
    this.#stage.element.classList.remove("panning");
  }

  #wheel(pane, event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      view.value = views.zoomAt(view.value, Math.exp(-event.deltaY / 300), placeOf(pane, event));
    } else {
      const by = event.shiftKey ? [-event.deltaY, 0] : [-event.deltaX, -event.deltaY];
      view.value = views.pan(view.value, by, this.#stage.size, this.#stage.paneSize);
    }
  }
}

function fingerOf(pane, event) {
  const [x, y] = placeOf(pane, event);
  const { pointerId, pointerType, button, timeStamp, width, height } = event;
  return { pointerId, pointerType, button, timeStamp, width, height, x, y };
}
