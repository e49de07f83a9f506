import assert from "node:assert/strict";
import { test } from "node:test";
import {
  UNMOVED,
  handles,
  isUnmoved,
  matrixOf,
  moved,
  rotated,
  scaled,
  transform,
} from "../../../deepsim_jax/editor/static/engine/placing.js";

const near = (a, b) => a.every((value, index) => Math.abs(value - b[index]) < 1e-9);

test("an unmoved region stays", () => {
  assert.ok(isUnmoved(UNMOVED));
  assert.ok(near(transform(matrixOf(UNMOVED, [7, 9]), [3, 4]), [3, 4]));
});

test("the handle that turns is below where it cannot be seen above", () => {
  const [bounds, centre] = [{ left: 0, top: 0, right: 20, bottom: 10 }, [10, 5]];
  assert.ok(near(handles(bounds, UNMOVED, centre, 4).turn, [10, -4]));
  const isSeen = ([, y]) => y >= 0;
  const { turn, head } = handles(bounds, UNMOVED, centre, 4, isSeen);
  assert.ok(near(turn, [10, 14]) && near(head, [10, 10]));
  assert.ok(near(handles(bounds, UNMOVED, centre, 4, () => false).turn, [10, -4]));
});

test("a region turns counter-clockwise about its centre, is scaled there, mirrored and moved", () => {
  const centre = [10, 10];
  const turned = matrixOf({ ...UNMOVED, rotate: 90 }, centre);
  assert.ok(near(transform(turned, [12, 10]), [10, 8])); // y runs down
  const larger = matrixOf({ ...UNMOVED, scale: 2 }, centre);
  assert.ok(near(transform(larger, [12, 11]), [14, 12]));
  const mirrored = matrixOf({ ...UNMOVED, flip: true, by: [5, -1] }, centre);
  assert.ok(near(transform(mirrored, [12, 11]), [13, 10]));
});

test("handles follow, and dragging one to where it goes does that", () => {
  const bounds = { left: 0, top: 0, right: 20, bottom: 10 };
  const centre = [10, 5];
  const still = handles(bounds, UNMOVED, centre, 30);
  assert.ok(near(still.corners[2], [20, 10]));
  assert.ok(near(still.turn, [10, -30]));
  const grown = scaled(UNMOVED, centre, [20, 10], [30, 15]);
  assert.equal(grown.scale, 2);
  assert.ok(near(handles(bounds, grown, centre, 30).corners[2], [30, 15]));
  const spun = rotated(UNMOVED, centre, [10, -30], [-25, 5]);
  assert.equal(spun.rotate, 90);
  assert.ok(near(handles(bounds, spun, centre, 30).turn, [-25, 5]));
  assert.equal(rotated(UNMOVED, centre, [10, -30], [14, -30], true).rotate, 0);
  assert.deepEqual(moved({ ...UNMOVED, by: [1, 1] }, [3, 3], [7, 2]).by, [5, 0]);
  assert.ok(isUnmoved(moved(moved(UNMOVED, [0, 0], [2, 2]), [2, 2], [0, 0])));
});
