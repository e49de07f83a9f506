// The line between before and after, which a hand moves.

import { mode, view } from "../choices.js";
import { make } from "./panes.js";

/** The line on the pane of the result: to its right the result is seen, to its left the photo. */
export class Divider {
  #pane;
  #widthOf;
  #isHeld = false;

  /** @param widthOf -> the width of the photo, in pixels of the canvas */
  constructor(pane, widthOf) {
    this.#pane = pane;
    this.#widthOf = widthOf;
    this.share = 0.5;
    this.element = this.#make();
  }

  /** Moves the line between before and after, 0 to 1. */
  set(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.place();
  }

  /** Shows it where it is, as the view is now. */
  place() {
    const { scale, x } = view.value;
    this.element.style.transform = `translateX(${x + scale * this.#widthOf() * this.share}px)`;
    this.element.setAttribute("aria-valuenow", String(Math.round(100 * this.share)));
    this.#pane.canvases.result.style.clipPath =
      mode.value === "slider" ? `inset(0 0 0 ${100 * this.share}%)` : "none";
  }

  #make() {
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
      this.set(this.share + step);
    });
    divider.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      divider.setPointerCapture(event.pointerId);
      this.#isHeld = true;
    });
    divider.addEventListener("pointermove", (event) => {
      if (!this.#isHeld) return;
      const left = this.#pane.element.getBoundingClientRect().left;
      const { scale, x } = view.value;
      this.set((event.clientX - left - x) / (scale * this.#widthOf()));
    });
    const stop = () => {
      this.#isHeld = false;
    };
    divider.addEventListener("pointerup", stop);
    divider.addEventListener("pointercancel", stop);
    this.#pane.element.append(divider);
    return divider;
  }
}
