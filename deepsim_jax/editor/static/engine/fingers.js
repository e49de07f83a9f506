// What pointers mean: which one draws, which ones move the view, and which are a palm.

const PEN_MEMORY = 1500; // milliseconds after a pen's last sign in which a touch is taken for a palm

/** Follows the pointers on a pane. Events are {pointerId, pointerType, button, timeStamp, x, y}. */
export class Fingers {
  #touches = new Map();
  #drawing = null;
  #penSeen = Number.NEGATIVE_INFINITY;
  #hasPen = false;

  /** The id of the pointer that draws, or null. */
  get drawing() {
    return this.#drawing;
  }

  /** What a pointer that comes down does: "draw", "pan", "pinch" or "ignore". */
  down(event, { pans = false } = {}) {
    if (event.pointerType === "pen") {
      this.#hasPen = true;
      this.#penSeen = event.timeStamp;
    }
    if (event.pointerType === "touch") {
      if (this.#isPalm(event)) return "ignore";
      this.#touches.set(event.pointerId, [event.x, event.y]);
      if (this.#touches.size === 2) {
        this.#drawing = null;
        return "pinch";
      }
      if (this.#touches.size > 2) return "ignore";
      if (this.#hasPen || pans) return "pan"; // who has a pen draws with it
    }
    if (event.button === 1 || pans) return "pan";
    if (event.button !== 0 || this.#drawing !== null) return "ignore";
    this.#drawing = event.pointerId;
    return "draw";
  }

  /** What a pointer that moves does; for "pinch" with the points {from, to} of both fingers. */
  move(event) {
    if (event.pointerType === "pen") this.#penSeen = event.timeStamp;
    if (this.#touches.has(event.pointerId)) {
      const from = [...this.#touches.values()];
      this.#touches.set(event.pointerId, [event.x, event.y]);
      if (this.#touches.size === 2) return { kind: "pinch", from, to: [...this.#touches.values()] };
    }
    return { kind: event.pointerId === this.#drawing ? "draw" : "none" };
  }

  /** A pointer that goes up, or is taken away by the system; whether it was the one that draws. */
  up(event) {
    this.#touches.delete(event.pointerId);
    const drew = event.pointerId === this.#drawing;
    if (drew) this.#drawing = null;
    return drew;
  }

  #isPalm(event) {
    const size = Math.max(event.width ?? 0, event.height ?? 0);
    return event.timeStamp - this.#penSeen < PEN_MEMORY || size > 80;
  }
}

/** The radius that a brush has under a pen's pressure (0 to 1); a mouse and a finger have the full one. */
export function pressedRadius(radius, event) {
  if (event.pointerType !== "pen" || !(event.pressure > 0)) return radius;
  return Math.max(0.5, radius * Math.min(1, 0.25 + 1.5 * event.pressure));
}
