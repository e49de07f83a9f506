// Where a region goes while its handles are dragged. A placing is {by, scale, rotate, flip} as in an action:
// by in pixels, scale a factor, rotate in degrees counter-clockwise; it turns about the region's centre.

export const UNMOVED = Object.freeze({ by: Object.freeze([0, 0]), scale: 1, rotate: 0, flip: false });

/** Whether a placing leaves everything where it is. */
export function isUnmoved({ by, scale, rotate, flip }) {
  return by[0] === 0 && by[1] === 0 && scale === 1 && rotate === 0 && !flip;
}

/** The 2x3 matrix [a, b, c, d, e, f] of a placing: (x, y) -> (a x + c y + e, b x + d y + f). */
export function matrixOf({ by, scale, rotate, flip }, [centreX, centreY]) {
  const angle = (rotate * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  const mirror = flip ? -1 : 1;
  const [a, b, c, d] = [cos * mirror, -sin * mirror, sin, cos];
  return [
    a,
    b,
    c,
    d,
    centreX + by[0] - a * centreX - c * centreY,
    centreY + by[1] - b * centreX - d * centreY,
  ];
}

/** A point taken along by a matrix. */
export function transform([a, b, c, d, e, f], [x, y]) {
  return [a * x + c * y + e, b * x + d * y + f];
}

/**
 * The places of the handles: four corners, and the one that turns, a distance above the top, or below the
 * bottom where it cannot be seen there.
 *
 * @param isSeen whether a point can be seen
 */
export function handles(bounds, placing, centre, distance, isSeen = () => true) {
  const matrix = matrixOf(placing, centre);
  const { left, top, right, bottom } = bounds;
  const corners = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ].map((corner) => transform(matrix, corner));
  const middle = transform(matrix, centre);
  const turners = [top, bottom].map((y) => {
    const head = transform(matrix, [(left + right) / 2, y]);
    const length = Math.hypot(head[0] - middle[0], head[1] - middle[1]) || 1;
    const turn = [0, 1].map((axis) => head[axis] + ((head[axis] - middle[axis]) / length) * distance);
    return { head, turn };
  });
  return { corners, middle, ...(turners.find(({ turn }) => isSeen(turn)) ?? turners[0]) };
}

/** The placing after its middle was dragged. */
export function moved(placing, from, to) {
  return { ...placing, by: [placing.by[0] + to[0] - from[0], placing.by[1] + to[1] - from[1]] };
}

/** The placing after a corner was dragged: as much larger as the pointer is farther from the middle. */
export function scaled(placing, middle, from, to) {
  const before = Math.hypot(from[0] - middle[0], from[1] - middle[1]) || 1;
  const after = Math.hypot(to[0] - middle[0], to[1] - middle[1]);
  const scale = Math.min(20, Math.max(0.05, (placing.scale * after) / before));
  return { ...placing, scale: Math.round(scale * 1000) / 1000 };
}

/** The placing after it was turned by the pointer about the middle, in steps of 15 degrees if wanted. */
export function rotated(placing, middle, from, to, inSteps = false) {
  const before = Math.atan2(from[1] - middle[1], from[0] - middle[0]);
  const after = Math.atan2(to[1] - middle[1], to[0] - middle[0]);
  let rotate = placing.rotate - ((after - before) * 180) / Math.PI;
  if (inSteps) rotate = Math.round(rotate / 15) * 15;
  rotate = ((((rotate + 180) % 360) + 360) % 360) - 180;
  return { ...placing, rotate: Math.round(rotate * 10) / 10 };
}
