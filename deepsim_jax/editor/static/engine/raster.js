// Drawing in exact colours. A canvas path is antialiased and would make colours that no palette has, so
// strokes, lines and areas are set pixel by pixel.
//
// A layer is {width, height, data}: data is a Uint8ClampedArray of RGBA, as in ImageData. A mask is a
// Uint8Array of width * height, 1 inside. A rectangle is {left, top, right, bottom}, right and bottom
// excluded; null is an empty one. Points are [x, y], whole numbers, the centre of a pixel.

/** A layer of one colour. */
export function createLayer(width, height, color = [255, 255, 255]) {
  const data = new Uint8ClampedArray(width * height * 4);
  const layer = { width, height, data };
  for (let index = 0; index < width * height; index++) setPixel(layer, index, color);
  return layer;
}

/** The colour at a pixel, [red, green, blue], or null outside of the layer. */
export function colorAt(layer, x, y) {
  if (x < 0 || y < 0 || x >= layer.width || y >= layer.height) return null;
  const at = (y * layer.width + x) * 4;
  return [layer.data[at], layer.data[at + 1], layer.data[at + 2]];
}

/** The smallest rectangle around both. */
export function unite(a, b) {
  if (!a) return b;
  if (!b) return a;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** The part of a rectangle that lies in a layer. */
export function clip(rectangle, { width, height }) {
  if (!rectangle) return null;
  const left = Math.max(0, rectangle.left);
  const top = Math.max(0, rectangle.top);
  const right = Math.min(width, rectangle.right);
  const bottom = Math.min(height, rectangle.bottom);
  return left < right && top < bottom ? { left, top, right, bottom } : null;
}

/** The pixels of a line between two points, both ends included; 8-connected, one pixel wide (Bresenham). */
export function linePoints([x, y], [endX, endY]) {
  const points = [[x, y]];
  const width = Math.abs(endX - x);
  const height = Math.abs(endY - y);
  const stepX = x < endX ? 1 : -1;
  const stepY = y < endY ? 1 : -1;
  let error = width - height;
  while (x !== endX || y !== endY) {
    const doubled = 2 * error;
    if (doubled > -height) {
      error -= height;
      x += stepX;
    }
    if (doubled < width) {
      error += width;
      y += stepY;
    }
    points.push([x, y]);
  }
  return points;
}

/** The rows of a disc around 0: [[y, first x, last x], ...]. */
export function discRows(radius) {
  const rows = [];
  const reach = Math.max(0, Math.floor(radius));
  for (let y = -reach; y <= reach; y++) {
    const half = Math.floor(Math.sqrt(Math.max(0, radius * radius - y * y)));
    rows.push([y, -half, half]);
  }
  return rows;
}

/**
 * Paints along a polyline with a round brush.
 *
 * @param layer changed in place
 * @param points of the polyline; one point is a dot
 * @param radius in pixels
 * @param paint a colour, or a layer of the same size whose pixels are brought back
 * @param locked a mask of pixels that stay, or null
 * @returns the rectangle that was painted
 */
export function paintStroke(layer, points, radius, paint, locked = null) {
  const rows = discRows(radius);
  const { width, height } = layer;
  const pixels = wordsOf(layer);
  const word = Array.isArray(paint) ? wordOf(paint) : 0;
  const source = Array.isArray(paint) ? null : wordsOf(paint);
  for (const [x, y] of pathOf(points)) {
    for (const [offset, first, last] of rows) {
      const row = y + offset;
      if (row < 0 || row >= height) continue;
      const start = row * width + Math.max(0, x + first);
      const end = row * width + Math.min(width - 1, x + last) + 1;
      if (end <= start) continue;
      if (locked) {
        for (let at = start; at < end; at++) if (!locked[at]) pixels[at] = source ? source[at] : word;
      } else if (source) pixels.set(source.subarray(start, end), start);
      else pixels.fill(word, start, end);
    }
  }
  return clip(strokeBounds(points, radius), layer);
}

/** Draws a polyline one pixel wide, but for locked pixels; returns the rectangle that was drawn in. */
export function drawLine(layer, points, color, closed = false, locked = null) {
  let changed = null;
  const path = closed && points.length > 2 ? [...points, points[0]] : points;
  for (const [x, y] of pathOf(path)) {
    if (x < 0 || y < 0 || x >= layer.width || y >= layer.height) continue;
    if (locked?.[y * layer.width + x]) continue;
    setPixel(layer, y * layer.width + x, color);
    changed = unite(changed, { left: x, top: y, right: x + 1, bottom: y + 1 });
  }
  return changed;
}

/**
 * Where a layer has one of some colours, as a mask.
 *
 * @param lineColor of lines that lie over the regions, or null
 * @param under a layer of the regions alone, which counts where there is a line
 */
export function colorMask(layer, colors, lineColor = null, under = layer) {
  const [pixels, regions] = [wordsOf(layer), wordsOf(under)];
  const wanted = new Set(colors.map(wordOf));
  const line = lineColor && wordOf(lineColor);
  const mask = new Uint8Array(pixels.length);
  for (let at = 0; at < mask.length; at++) {
    if (wanted.has(pixels[at] === line ? regions[at] : pixels[at])) mask[at] = 1;
  }
  return mask;
}

/**
 * The pixels of a drawing in a rectangle, without its lines or without its regions.
 *
 * @param regions a layer of the regions alone
 * @param lineColor of its lines
 * @param shows {regions, lines}: whether they are seen; where regions are not, nothing is
 * @returns RGBA, row by row, as in ImageData
 */
export function partsOf(layer, regions, lineColor, shows, { left, top, right, bottom }) {
  const [pixels, labels, line] = [wordsOf(layer), wordsOf(regions), wordOf(lineColor)];
  const found = new Uint32Array((right - left) * (bottom - top));
  let next = 0;
  for (let y = top; y < bottom; y++) {
    for (let at = y * layer.width + left; at < y * layer.width + right; at++) {
      // A line over a region of its colour is not seen anyway.
      const isLine = pixels[at] === line && labels[at] !== line;
      const region = isLine ? labels[at] : pixels[at];
      found[next++] = isLine && shows.lines ? line : shows.regions ? region : 0;
    }
  }
  return new Uint8ClampedArray(found.buffer);
}

/** The connected pixels that have the colour of the one at a point, as a mask; 4-connected. */
export function regionAt(layer, x, y) {
  const { width, height } = layer;
  const mask = new Uint8Array(width * height);
  if (x < 0 || y < 0 || x >= width || y >= height) return mask;
  const colors = wordsOf(layer);
  const wanted = colors[y * width + x];
  const stack = [y * width + x];
  mask[stack[0]] = 1;
  while (stack.length) {
    const index = stack.pop();
    const column = index % width;
    const neighbours = [
      column > 0 ? index - 1 : -1,
      column < width - 1 ? index + 1 : -1,
      index - width,
      index + width,
    ];
    for (const next of neighbours) {
      if (next >= 0 && next < mask.length && !mask[next] && colors[next] === wanted) {
        mask[next] = 1;
        stack.push(next);
      }
    }
  }
  return mask;
}

/** What a polygon encloses, its outline included, as a mask of that size (even-odd rule). */
export function polygonMask(points, width, height) {
  const mask = new Uint8Array(width * height);
  if (!points.length) return mask;
  for (let y = 0; y < height; y++) {
    const crossings = [];
    for (let index = 0; index < points.length; index++) {
      const [x1, y1] = points[index];
      const [x2, y2] = points[(index + 1) % points.length];
      if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) * (x2 - x1)) / (y2 - y1));
    }
    crossings.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const first = Math.max(0, Math.ceil(crossings[pair]));
      const last = Math.min(width - 1, Math.floor(crossings[pair + 1]));
      for (let x = first; x <= last; x++) mask[y * width + x] = 1;
    }
  }
  for (const [x, y] of pathOf([...points, points[0]])) {
    if (x >= 0 && y >= 0 && x < width && y < height) mask[y * width + x] = 1;
  }
  return mask;
}

/** What a round brush covers along a polyline, as a mask of that size. */
export function strokeMask(points, radius, width, height) {
  const mask = new Uint8Array(width * height);
  const rows = discRows(radius);
  for (const [x, y] of pathOf(points)) {
    for (const [offset, first, last] of rows) {
      const row = y + offset;
      if (row < 0 || row >= height) continue;
      const end = Math.min(width - 1, x + last);
      for (let column = Math.max(0, x + first); column <= end; column++) mask[row * width + column] = 1;
    }
  }
  return mask;
}

/** Gives the pixels of a mask a colour; returns the rectangle around them. */
export function fillMask(layer, mask, color) {
  for (let index = 0; index < mask.length; index++) if (mask[index]) setPixel(layer, index, color);
  return maskBounds(mask, layer.width, layer.height);
}

/** The rectangle around what a mask holds, or null for an empty one. */
export function maskBounds(mask, width, height) {
  let left = width;
  let right = 0;
  let top = -1;
  let bottom = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!mask[y * width + x]) continue;
      if (top < 0) top = y;
      bottom = y + 1;
      if (x < left) left = x;
      if (x + 1 > right) right = x + 1;
    }
  }
  return top < 0 ? null : { left, top, right, bottom };
}

/** The mean of a mask's pixels, [x, y], or null for an empty one. */
export function maskCentre(mask, width) {
  let count = 0;
  let sumX = 0;
  let sumY = 0;
  for (let index = 0; index < mask.length; index++) {
    if (!mask[index]) continue;
    count++;
    sumX += index % width;
    sumY += Math.floor(index / width);
  }
  return count ? [sumX / count, sumY / count] : null;
}

/** The borders of a mask: [[x1, y1, x2, y2], ...] along pixel edges, runs joined. */
export function maskOutline(mask, width, height) {
  const segments = [];
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  for (let y = 0; y <= height; y++) {
    let start = -1;
    for (let x = 0; x <= width; x++) {
      const border = x < width && inside(x, y) !== inside(x, y - 1);
      if (border && start < 0) start = x;
      if (!border && start >= 0) {
        segments.push([start, y, x, y]);
        start = -1;
      }
    }
  }
  for (let x = 0; x <= width; x++) {
    let start = -1;
    for (let y = 0; y <= height; y++) {
      const border = y < height && inside(x, y) !== inside(x - 1, y);
      if (border && start < 0) start = y;
      if (!border && start >= 0) {
        segments.push([x, start, x, y]);
        start = -1;
      }
    }
  }
  return segments;
}

/** A polyline without the points that say nothing new: repeated ones, and those within straight runs. */
export function simplifyPath(points) {
  const kept = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (last && last[0] === point[0] && last[1] === point[1]) continue;
    const before = kept.at(-2);
    if (before) {
      const [x, y] = [last[0] - before[0], last[1] - before[1]];
      const [nextX, nextY] = [point[0] - last[0], point[1] - last[1]];
      const isStep = Math.max(Math.abs(nextX), Math.abs(nextY)) === 1;
      const unit = Math.max(Math.abs(x), Math.abs(y));
      if (isStep && x === nextX * unit && y === nextY * unit) {
        kept[kept.length - 1] = point;
        continue;
      }
    }
    kept.push(point);
  }
  return kept;
}

/** What was there before a gesture, in 64x64 tiles, so that a cancelled one costs only what it touched. */
export class Tiles {
  static SIZE = 64;

  constructor(layer) {
    this.layer = layer;
    this.kept = new Map();
  }

  /** Keeps what a rectangle holds, where it is not kept yet; to be called before it is drawn in. */
  keep(rectangle) {
    const box = clip(rectangle, this.layer);
    if (!box) return;
    const size = Tiles.SIZE;
    for (let row = Math.floor(box.top / size); row * size < box.bottom; row++) {
      for (let column = Math.floor(box.left / size); column * size < box.right; column++) {
        const key = row * 65536 + column;
        if (!this.kept.has(key)) this.kept.set(key, this.#read(column * size, row * size));
      }
    }
  }

  /** Brings back all that was kept; returns the rectangle that it lies in. */
  restore() {
    let changed = null;
    for (const tile of this.kept.values()) {
      const width = tile.right - tile.left;
      for (let y = tile.top; y < tile.bottom; y++) {
        const from = (y - tile.top) * width * 4;
        this.layer.data.set(
          tile.data.subarray(from, from + width * 4),
          (y * this.layer.width + tile.left) * 4,
        );
      }
      changed = unite(changed, tile);
    }
    this.kept.clear();
    return (
      changed && { left: changed.left, top: changed.top, right: changed.right, bottom: changed.bottom }
    );
  }

  #read(left, top) {
    const right = Math.min(this.layer.width, left + Tiles.SIZE);
    const bottom = Math.min(this.layer.height, top + Tiles.SIZE);
    const data = new Uint8ClampedArray((right - left) * (bottom - top) * 4);
    for (let y = top; y < bottom; y++) {
      const from = (y * this.layer.width + left) * 4;
      data.set(this.layer.data.subarray(from, from + (right - left) * 4), (y - top) * (right - left) * 4);
    }
    return { left, top, right, bottom, data };
  }
}

/** The rectangle that a stroke between points will cover. */
export function strokeBounds(points, radius) {
  const reach = Math.max(0, Math.floor(radius));
  let box = null;
  for (const [x, y] of points) {
    box = unite(box, { left: x - reach, top: y - reach, right: x + reach + 1, bottom: y + reach + 1 });
  }
  return box;
}

function* pathOf(points) {
  if (points.length) yield points[0];
  for (let index = 1; index < points.length; index++) {
    const line = linePoints(points[index - 1], points[index]);
    for (let step = 1; step < line.length; step++) yield line[step];
  }
}

function setPixel(layer, index, color) {
  const at = index * 4;
  layer.data[at] = color[0];
  layer.data[at + 1] = color[1];
  layer.data[at + 2] = color[2];
  layer.data[at + 3] = 255;
}

/** A layer's pixels as whole numbers, one each. */
function wordsOf({ width, height, data }) {
  return new Uint32Array(data.buffer, data.byteOffset, width * height);
}

/** A colour as such a number, in this machine's order of bytes. */
function wordOf([red, green, blue]) {
  return new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];
}
