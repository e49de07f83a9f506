import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LARGEST,
  centred,
  fit,
  pan,
  pinch,
  reveal,
  toCanvas,
  toPane,
  zoomAt,
} from "../../../deepsim_jax/editor/static/engine/view.js";

const near = (a, b) => a.every((value, index) => Math.abs(value - b[index]) < 1e-9);

test("a fitted canvas lies whole and centred in its pane", () => {
  const view = fit({ width: 200, height: 100 }, { width: 432, height: 532 }, 16);
  assert.equal(view.scale, 2);
  assert.ok(near(toPane(view, [100, 50]), [216, 266]));
  assert.equal(centred({ width: 10, height: 10 }, { width: 30, height: 30 }, 1).x, 10);
});

test("what lies under the pointer stays there when the view is zoomed", () => {
  let view = { scale: 1.5, x: -20, y: 33 };
  const place = [120, 77];
  const under = toCanvas(view, place);
  for (const factor of [1.25, 3, 0.1]) {
    view = zoomAt(view, factor, place);
    assert.ok(near(toCanvas(view, place), under));
  }
  assert.equal(zoomAt(view, 1e9, place).scale, LARGEST);
});

test("a view is moved as little as needed for a point to be seen", () => {
  const pane = { width: 300, height: 200 };
  const view = { scale: 2, x: 10, y: 20 };
  assert.deepEqual(reveal(view, [50, 50], pane), view);
  assert.deepEqual(reveal(view, [200, 50], pane, 12), { scale: 2, x: -112, y: 20 });
  assert.deepEqual(toPane(reveal(view, [-40, 300], pane, 12), [-40, 300]), [12, 188]);
  assert.deepEqual(toPane(reveal(view, [500, 0], { width: 20, height: 20 }, 12), [500, 0]), [15, 15]);
});

test("a canvas cannot be pushed out of sight", () => {
  const canvas = { width: 100, height: 100 };
  const pane = { width: 300, height: 200 };
  const away = pan({ scale: 1, x: 0, y: 0 }, [9999, -9999], canvas, pane, 40);
  assert.deepEqual(away, { scale: 1, x: 260, y: -60 });
  assert.deepEqual(pan({ scale: 1, x: 5, y: 6 }, [3, 4], canvas, pane), { scale: 1, x: 8, y: 10 });
});

test("two fingers stay on what they touch", () => {
  const view = { scale: 2, x: 10, y: 20 };
  const from = [
    [50, 50],
    [150, 50],
  ];
  const to = [
    [30, 80],
    [230, 80],
  ];
  const after = pinch(view, from, to);
  assert.equal(after.scale, 4);
  for (const index of [0, 1]) {
    assert.ok(near(toCanvas(after, to[index]), toCanvas(view, from[index])));
  }
});
