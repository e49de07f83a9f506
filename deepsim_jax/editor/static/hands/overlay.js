// Marks over a pane that show on any picture: light lines on dark ones.

const LIGHT = "#ffffff";
const DARK = "rgba(0, 0, 0, 0.75)";
const ACCENT = "#5b9bff";

/** A line through points of the pane. */
export function polyline(context, points, { closed = false, dashed = false } = {}) {
  if (!points.length) return;
  const path = new Path2D();
  path.moveTo(...points[0]);
  for (const point of points.slice(1)) path.lineTo(...point);
  if (closed) path.closePath();
  twice(context, path, dashed);
}

/** A circle. */
export function circle(context, [x, y], radius, { dashed = false } = {}) {
  const path = new Path2D();
  path.arc(x, y, Math.max(0.5, radius), 0, 2 * Math.PI);
  twice(context, path, dashed);
}

/** Lines [[x1, y1, x2, y2], ...] of pixel borders, as a place of the pane for each end. */
export function segments(context, lines, place, { dashed = true } = {}) {
  const path = new Path2D();
  for (const [x1, y1, x2, y2] of lines) {
    path.moveTo(...place([x1, y1]));
    path.lineTo(...place([x2, y2]));
  }
  twice(context, path, dashed);
}

/** A small square or disc that can be taken hold of. */
export function handle(context, [x, y], { round = false, filled = false, size = 6 } = {}) {
  const path = new Path2D();
  if (round) path.arc(x, y, size, 0, 2 * Math.PI);
  else path.rect(x - size, y - size, 2 * size, 2 * size);
  context.fillStyle = filled ? ACCENT : LIGHT;
  context.fill(path);
  context.lineWidth = 2;
  context.strokeStyle = filled ? LIGHT : ACCENT;
  context.stroke(path);
}

function twice(context, path, dashed) {
  context.lineJoin = "round";
  context.setLineDash([]);
  context.lineWidth = 3;
  context.strokeStyle = DARK;
  context.stroke(path);
  context.lineWidth = 1.25;
  context.strokeStyle = LIGHT;
  if (dashed) context.setLineDash([5, 4]);
  context.stroke(path);
  context.setLineDash([]);
}
