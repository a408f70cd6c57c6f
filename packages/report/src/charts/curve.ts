import { isDrawable } from './scale.js';
import { coordinate } from './svg.js';

/** Number of points above which more are not visible and only make the file large. */
const MAX_POINTS = 1200;

/** A point of a curve, `[x, y]`. */
export type Point = [x: number, y: number];

/** An interval at one x, `[x, low, high]`. */
export type Interval = [x: number, low: number, high: number];

/** Maps a point to its place in the view box. */
export type Place = (point: Point) => Point;

/** Returns the SVG path data of the line through the points, broken at a y that is not finite. */
export function linePath(points: Point[], place: Place): string {
  return unbroken(points)
    .map((piece) => {
      const [first, ...rest] = thin(piece).map((point) => at(place(point)));
      // A round cap makes a line of no length a dot, so that a lone point is seen.
      return `M${first}h0${rest.map((next) => `L${next}`).join('')}`;
    })
    .join('');
}

/** Returns the SVG path data of the area between the ends of the intervals, broken where one of the two is not finite. */
export function bandPath(band: Interval[], place: Place): string {
  return unbroken(band)
    .map((piece) => {
      const upper = thin(piece.map(([x, , high]): Point => [x, high]));
      const lower = thin(piece.map(([x, low]): Point => [x, low]));
      return `M${[...upper, ...lower.reverse()].map((point) => at(place(point))).join('L')}Z`;
    })
    .join('');
}

/**
 * Returns the exponential moving average m_t = w m_(t-1) + (1 - w) y_t, divided by 1 - w^t as in Adam (Kingma and Ba, 2015), so that
 * the first values are not pulled towards zero. Values that are not finite are passed on and do not count.
 */
export function movingAverage(points: Point[], weight: number): Point[] {
  let average = 0;
  let share = 0;
  return points.map(([x, y]) => {
    if (!isDrawable(y)) return [x, y];
    average = weight * average + (1 - weight) * y;
    share = weight * share + (1 - weight);
    return [x, average / share];
  });
}

function at([x, y]: Point): string {
  return `${coordinate(x)} ${coordinate(y)}`;
}

/** The runs of neighbors whose numbers are all finite. */
function unbroken<T extends number[]>(items: T[]): T[][] {
  const pieces: T[][] = [];
  let piece: T[] = [];
  for (const item of items) {
    if (!item.every(isDrawable)) {
      piece = [];
      continue;
    }
    if (piece.length === 0) pieces.push(piece);
    piece.push(item);
  }
  return pieces;
}

/**
 * Keeps the outermost points of each run of neighbors, so that no spike is lost: the lowest and the highest, and the
 * leftmost and the rightmost because a curve may go back.
 */
function thin(points: Point[]): Point[] {
  if (points.length <= MAX_POINTS) return points;
  const size = Math.ceil((4 * points.length) / MAX_POINTS);
  const kept = points.slice(0, 1);
  for (let start = 1; start < points.length - 1; start += size) {
    kept.push(...outermost(points.slice(start, Math.min(start + size, points.length - 1))));
  }
  kept.push(...points.slice(-1));
  return kept;
}

/** The lowest, highest, leftmost and rightmost of some points, in their order; of equal ones the first. */
function outermost(points: readonly Point[]): Point[] {
  const [first, ...rest] = points;
  if (first === undefined) return [];
  let [low, high, left, right] = [first, first, first, first];
  for (const point of rest) {
    if (point[1] < low[1]) low = point;
    if (point[1] > high[1]) high = point;
    if (point[0] < left[0]) left = point;
    if (point[0] > right[0]) right = point;
  }
  const extremes = new Set([low, high, left, right]);
  return points.filter((point) => extremes.has(point));
}
