import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Tiles,
  clip,
  colorAt,
  colorMask,
  createLayer,
  discRows,
  drawLine,
  fillMask,
  linePoints,
  maskBounds,
  maskCentre,
  maskOutline,
  paintStroke,
  partsOf,
  polygonMask,
  regionAt,
  simplifyPath,
  strokeBounds,
  strokeMask,
  unite,
} from "../../../deepsim_jax/editor/static/engine/raster.js";

const WHITE = [255, 255, 255];
const RED = [200, 10, 30];
const BLACK = [0, 0, 0];

function pixelsOf(layer, color) {
  const found = [];
  for (let y = 0; y < layer.height; y++) {
    for (let x = 0; x < layer.width; x++) {
      if (colorAt(layer, x, y).join() === color.join()) found.push([x, y]);
    }
  }
  return found;
}

function colorsOf(layer) {
  return new Set(new Uint32Array(layer.data.buffer));
}

test("a stroke has two colours at most: the brush's and what was there", () => {
  const layer = createLayer(64, 48, WHITE);
  const changed = paintStroke(
    layer,
    [
      [10, 10],
      [40, 30],
      [20, 40],
    ],
    4.5,
    RED,
  );
  assert.equal(colorsOf(layer).size, 2);
  assert.deepEqual(changed, { left: 6, top: 6, right: 45, bottom: 45 });
  for (const [x, y] of pixelsOf(layer, RED)) {
    assert.ok(x >= changed.left && x < changed.right && y >= changed.top && y < changed.bottom);
  }
});

test("a dot is a disc: every pixel within the radius and no other", () => {
  const layer = createLayer(21, 21, WHITE);
  paintStroke(layer, [[10, 10]], 6, RED);
  for (let y = 0; y < 21; y++) {
    for (let x = 0; x < 21; x++) {
      const inside = Math.hypot(x - 10, y - 10) <= 6;
      assert.deepEqual(colorAt(layer, x, y), inside ? RED : WHITE);
    }
  }
});

test("a stroke over the border paints what lies inside", () => {
  const layer = createLayer(10, 10, WHITE);
  paintStroke(
    layer,
    [
      [-5, 5],
      [14, 5],
    ],
    1,
    RED,
  );
  assert.equal(pixelsOf(layer, RED).length, 30);
  assert.equal(paintStroke(layer, [[-50, -50]], 3, RED), null);
});

test("a stroke can bring another layer's pixels back", () => {
  const original = createLayer(12, 12, [1, 2, 3]);
  const layer = createLayer(12, 12, WHITE);
  paintStroke(layer, [[6, 6]], 2, original);
  assert.equal(pixelsOf(layer, [1, 2, 3]).length, pixelsOf(createDisc(12, 2), RED).length);
});

function createDisc(size, radius) {
  const layer = createLayer(size, size, WHITE);
  paintStroke(layer, [[6, 6]], radius, RED);
  return layer;
}

test("a line is one pixel wide: one pixel in each column, or in each row of a steep one", () => {
  for (const end of [
    [30, 7],
    [7, 30],
    [30, 30],
    [0, 12],
    [12, 0],
    [3, 25],
  ]) {
    const points = linePoints([10, 11], end);
    const length = Math.max(Math.abs(end[0] - 10), Math.abs(end[1] - 11)) + 1;
    assert.equal(points.length, length);
    assert.deepEqual(points.at(-1), end);
    for (let index = 1; index < points.length; index++) {
      const step = Math.max(
        Math.abs(points[index][0] - points[index - 1][0]),
        Math.abs(points[index][1] - points[index - 1][1]),
      );
      assert.equal(step, 1);
    }
  }
});

test("a closed line comes back to its start", () => {
  const layer = createLayer(20, 20, WHITE);
  drawLine(
    layer,
    [
      [2, 2],
      [12, 2],
      [12, 12],
    ],
    RED,
    true,
  );
  assert.deepEqual(colorAt(layer, 7, 7), RED);
  assert.equal(pixelsOf(layer, RED).length, 30);
  assert.equal(drawLine(layer, [[50, 50]], RED), null);
});

test("a region ends where the colour does, also at a diagonal line", () => {
  const layer = createLayer(10, 10, WHITE);
  drawLine(
    layer,
    [
      [0, 9],
      [9, 0],
    ],
    RED,
  );
  const mask = regionAt(layer, 0, 0);
  assert.equal(
    mask.reduce((sum, value) => sum + value),
    45,
  );
  assert.equal(mask[9 * 10 + 9], 0);
  fillMask(layer, mask, [0, 0, 9]);
  assert.deepEqual(colorAt(layer, 0, 0), [0, 0, 9]);
  assert.deepEqual(colorAt(layer, 9, 9), WHITE);
  assert.equal(regionAt(layer, -1, 3).some(Boolean), false);
});

test("a polygon holds its corners, its outline and what lies between", () => {
  const mask = polygonMask(
    [
      [2, 2],
      [8, 2],
      [8, 6],
      [2, 6],
    ],
    12,
    10,
  );
  assert.deepEqual(maskBounds(mask, 12, 10), { left: 2, top: 2, right: 9, bottom: 7 });
  assert.equal(
    mask.reduce((sum, value) => sum + value),
    35,
  );
  assert.deepEqual(maskCentre(mask, 12), [5, 4]);
  const hollow = polygonMask(
    [
      [0, 0],
      [20, 0],
      [20, 20],
      [0, 20],
      [0, 0],
      [5, 5],
      [5, 15],
      [15, 15],
      [15, 5],
      [5, 5],
    ],
    21,
    21,
  );
  assert.equal(hollow[10 * 21 + 10], 0);
  assert.equal(polygonMask([], 4, 4).some(Boolean), false);
  assert.equal(maskCentre(new Uint8Array(16), 4), null);
});

test("a brush's mask is what its stroke paints", () => {
  const layer = createLayer(40, 30, WHITE);
  const points = [
    [5, 5],
    [30, 20],
  ];
  paintStroke(layer, points, 3, RED);
  const mask = strokeMask(points, 3, 40, 30);
  assert.deepEqual(
    pixelsOf(layer, RED),
    [...mask.keys()].filter((index) => mask[index]).map((index) => [index % 40, Math.floor(index / 40)]),
  );
});

test("an outline runs along the border of every pixel once", () => {
  const mask = polygonMask(
    [
      [3, 3],
      [6, 3],
      [6, 5],
      [3, 5],
    ],
    10,
    10,
  );
  const segments = maskOutline(mask, 10, 10);
  const length = segments.reduce(
    (sum, [x1, y1, x2, y2]) => sum + Math.abs(x2 - x1) + Math.abs(y2 - y1),
    0,
  );
  assert.equal(length, 14);
  assert.equal(segments.length, 4);
  const all = maskOutline(new Uint8Array(12).fill(1), 4, 3);
  assert.equal(all.length, 4);
});

test("a simplified path draws the same pixels with fewer points", () => {
  const points = [
    [0, 0],
    [1, 0],
    [2, 0],
    [2, 0],
    [3, 1],
    [4, 2],
    [4, 9],
    [4, 9],
    [3, 10],
  ];
  const short = simplifyPath(points);
  assert.deepEqual(short, [
    [0, 0],
    [2, 0],
    [4, 2],
    [4, 9],
    [3, 10],
  ]);
  const draw = (path) => {
    const layer = createLayer(12, 12, WHITE);
    drawLine(layer, path, RED);
    return pixelsOf(layer, RED);
  };
  assert.deepEqual(draw(short), draw(points));
});

test("tiles bring back what was there before a gesture", () => {
  const layer = createLayer(200, 130, WHITE);
  paintStroke(
    layer,
    [
      [3, 3],
      [190, 120],
    ],
    5,
    [9, 9, 9],
  );
  const before = layer.data.slice();
  const tiles = new Tiles(layer);
  for (const stroke of [
    [
      [0, 0],
      [199, 129],
    ],
    [
      [100, 0],
      [100, 129],
    ],
    [
      [-9, 60],
      [300, 60],
    ],
  ]) {
    tiles.keep(strokeBounds(stroke, 7));
    paintStroke(layer, stroke, 7, RED);
  }
  assert.notDeepEqual(layer.data, before);
  assert.deepEqual(tiles.restore(), { left: 0, top: 0, right: 200, bottom: 130 });
  assert.deepEqual(layer.data, before);
  assert.equal(tiles.restore(), null);
});

test("rectangles are united and clipped", () => {
  const a = { left: 1, top: 2, right: 3, bottom: 4 };
  assert.equal(unite(null, a), a);
  assert.equal(unite(a, null), a);
  assert.deepEqual(unite(a, { left: 0, top: 3, right: 2, bottom: 9 }), {
    left: 0,
    top: 2,
    right: 3,
    bottom: 9,
  });
  assert.equal(clip({ left: 10, top: 0, right: 12, bottom: 3 }, { width: 10, height: 10 }), null);
  assert.equal(clip(null, { width: 1, height: 1 }), null);
  assert.equal(discRows(0.5).length, 1);
  assert.equal(discRows(2).length, 5);
});

test("what is locked keeps its pixels under strokes, erasers and lines", () => {
  const layer = createLayer(20, 10, WHITE);
  const area = new Uint8Array(200);
  for (let y = 2; y < 8; y++) area.fill(1, y * 20 + 5, y * 20 + 12);
  fillMask(layer, area, RED);
  drawLine(layer, [[0, 4], [19, 4]], BLACK); // over the red, too
  const under = createLayer(20, 10, WHITE);
  fillMask(under, area, RED);
  const locked = colorMask(layer, [RED], BLACK, under);
  assert.deepEqual(locked, area);
  assert.equal(colorMask(layer, [RED]).reduce((sum, one) => sum + one), 6 * 7 - 7);
  assert.equal(colorMask(layer, [BLACK], BLACK, under).some(Boolean), false);

  const before = layer.data.slice();
  const original = createLayer(20, 10, [0, 0, 200]);
  const along = [[0, 4], [19, 4]];
  for (const paint of [
    () => paintStroke(layer, along, 3, [0, 200, 0], locked),
    () => paintStroke(layer, along, 3, original, locked),
    () => drawLine(layer, [[0, 6], [19, 6]], BLACK, false, locked),
  ]) {
    layer.data.set(before);
    paint();
    const isChanged = (at) => layer.data.subarray(4 * at, 4 * at + 3).join() !== before.subarray(4 * at, 4 * at + 3).join();
    for (let at = 0; at < 200; at++) if (area[at]) assert.ok(!isChanged(at));
    for (const column of [0, 4, 12, 19]) assert.ok(isChanged(6 * 20 + column));
  }
});

test("regions are seen without the lines over them, and lines without regions", () => {
  const regions = createLayer(6, 4, RED);
  fillMask(regions, Uint8Array.from({ length: 24 }, (_, at) => Number(at % 6 > 3)), BLACK);
  const drawing = createLayer(6, 4, RED);
  drawing.data.set(regions.data);
  drawLine(drawing, [[0, 2], [5, 2]], BLACK);
  const box = { left: 1, top: 1, right: 6, bottom: 3 };
  const seen = (shows) => {
    const data = partsOf(drawing, regions, BLACK, shows, box);
    return Array.from({ length: 10 }, (_, at) => (data[4 * at + 3] ? data[4 * at] : "-")).join(" ");
  };
  assert.equal(seen({ regions: true, lines: true }), "200 200 200 0 0 0 0 0 0 0");
  assert.equal(seen({ regions: true, lines: false }), "200 200 200 0 0 200 200 200 0 0");
  assert.equal(seen({ regions: false, lines: true }), "- - - - - 0 0 0 - -");
  assert.equal(seen({ regions: false, lines: false }), "- - - - - - - - - -");
});
