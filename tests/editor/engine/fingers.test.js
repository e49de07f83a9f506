import assert from "node:assert/strict";
import { test } from "node:test";
import { Fingers, pressedRadius } from "../../../deepsim_jax/editor/static/engine/fingers.js";

let time = 0;
const event = (pointerId, pointerType, more = {}) => {
  time += 10;
  return { pointerId, pointerType, button: 0, x: 0, y: 0, timeStamp: time, ...more };
};

test("a mouse draws with its first button, pans with its second, and does one thing at a time", () => {
  const fingers = new Fingers();
  assert.equal(fingers.down(event(1, "mouse", { button: 1 })), "pan");
  assert.equal(fingers.down(event(1, "mouse", { button: 2 })), "ignore");
  assert.equal(fingers.down(event(1, "mouse")), "draw");
  assert.equal(fingers.move(event(1, "mouse")).kind, "draw");
  assert.equal(fingers.drawing, 1);
  assert.equal(fingers.down(event(2, "mouse")), "ignore");
  assert.equal(fingers.up(event(1, "mouse")), true);
  assert.equal(fingers.drawing, null);
  assert.equal(fingers.move(event(1, "mouse")).kind, "none");
  assert.equal(fingers.down(event(1, "mouse"), { pans: true }), "pan");
});

test("one finger draws, a second one pinches instead, a third one does nothing", () => {
  const fingers = new Fingers();
  assert.equal(fingers.down(event(1, "touch", { x: 10 })), "draw");
  assert.equal(fingers.down(event(2, "touch", { x: 50 })), "pinch");
  assert.equal(fingers.down(event(3, "touch")), "ignore");
  assert.deepEqual(fingers.move(event(2, "touch", { x: 90 })), { kind: "none" });
});

test("a pinch tells where both fingers were and are", () => {
  const fingers = new Fingers();
  fingers.down(event(1, "touch", { x: 10 }));
  fingers.down(event(2, "touch", { x: 50 }));
  const moved = fingers.move(event(2, "touch", { x: 90 }));
  assert.deepEqual(moved, {
    kind: "pinch",
    from: [
      [10, 0],
      [50, 0],
    ],
    to: [
      [10, 0],
      [90, 0],
    ],
  });
  assert.equal(fingers.up(event(1, "touch")), false);
});

test("a touch beside a pen is a palm; later, fingers move the view", () => {
  const fingers = new Fingers();
  assert.equal(fingers.down(event(1, "pen")), "draw");
  assert.equal(fingers.down(event(2, "touch")), "ignore");
  fingers.up(event(1, "pen"));
  time += 5000;
  assert.equal(fingers.down(event(3, "touch")), "pan");
  assert.equal(new Fingers().down(event(4, "touch", { width: 120 })), "ignore");
});

test("pressure thins a pen's stroke, never a mouse's", () => {
  assert.equal(pressedRadius(8, { pointerType: "mouse", pressure: 0.1 }), 8);
  assert.equal(pressedRadius(8, { pointerType: "pen", pressure: 0.5 }), 8);
  assert.ok(pressedRadius(8, { pointerType: "pen", pressure: 0.1 }) < 4);
  assert.equal(pressedRadius(8, { pointerType: "pen", pressure: 0 }), 8);
  assert.equal(pressedRadius(0.6, { pointerType: "pen", pressure: 0.01 }), 0.5);
});
