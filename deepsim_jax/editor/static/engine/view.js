// Zoom and pan as numbers. A view is {scale, x, y}: canvas point p lies at scale * p + (x, y) of its pane.

export const SMALLEST = 0.02;
export const LARGEST = 64;

/** The view in which a canvas fills a pane, centred, with a margin. */
export function fit(canvas, pane, margin = 16) {
  const width = Math.max(1, pane.width - 2 * margin);
  const height = Math.max(1, pane.height - 2 * margin);
  return centred(canvas, pane, bounded(Math.min(width / canvas.width, height / canvas.height)));
}

/** The view at a scale, centred. */
export function centred(canvas, pane, scale) {
  return {
    scale,
    x: (pane.width - scale * canvas.width) / 2,
    y: (pane.height - scale * canvas.height) / 2,
  };
}

/** A view enlarged by a factor; what lies at a point of the pane stays there. */
export function zoomAt(view, factor, [x, y]) {
  const scale = bounded(view.scale * factor);
  const ratio = scale / view.scale;
  return { scale, x: x - ratio * (x - view.x), y: y - ratio * (y - view.y) };
}

/** A view moved by pixels of the pane, at least a corner of the canvas kept in sight. */
export function pan(view, [byX, byY], canvas, pane, kept = 40) {
  return {
    scale: view.scale,
    x: clamp(view.x + byX, kept - view.scale * canvas.width, pane.width - kept),
    y: clamp(view.y + byY, kept - view.scale * canvas.height, pane.height - kept),
  };
}

/** A view moved as little as needed for a point of the canvas to lie within the pane, off its border. */
export function reveal(view, point, pane, margin = 12) {
  const [x, y] = toPane(view, point);
  const edge = Math.min(margin, pane.width / 4, pane.height / 4);
  return {
    scale: view.scale,
    x: view.x + clamp(x, edge, pane.width - edge) - x,
    y: view.y + clamp(y, edge, pane.height - edge) - y,
  };
}

/** The point of the canvas at a point of the pane. */
export function toCanvas(view, [x, y]) {
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}

/** The point of the pane at a point of the canvas. */
export function toPane(view, [x, y]) {
  return [view.scale * x + view.x, view.scale * y + view.y];
}

/** The view after two fingers went from one pair of points to another: they stay on what they touched. */
export function pinch(view, from, to) {
  const distance = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const before = middle(from);
  const after = middle(to);
  const spread = distance(from);
  const zoomed = zoomAt(view, spread > 0 ? distance(to) / spread : 1, before);
  return { scale: zoomed.scale, x: zoomed.x + after[0] - before[0], y: zoomed.y + after[1] - before[1] };
}

function bounded(scale) {
  return clamp(scale, SMALLEST, LARGEST);
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, Math.min(low, high)), Math.max(low, high));
}
