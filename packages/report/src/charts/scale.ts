/** An axis: the range it covers, and its ticks with their labels. */
export interface Axis {
  min: number;
  max: number;
  ticks: number[];
  labels: string[];
}

/** Beyond this, the difference of two values can overflow. */
const LARGEST = 1e300;
/** Below this share of its values a range is rounding noise and drawn as one value. */
const FLAT = 1e-9;
/** Below this, steps lose their digits. */
const SMALLEST = 1e-290;

/** Whether a chart can place a value. */
export function isDrawable(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && Math.abs(value) <= LARGEST;
}

/** Returns the smallest and the largest of the drawable values; 0 and 1 if there is none. */
export function extent(values: Iterable<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!isDrawable(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/**
 * Makes an axis with round ticks (1, 2, 2.5 or 5 times a power of ten), about `count` of them.
 *
 * @param low lower end of the data; equal ends are widened
 * @param high upper end of the data
 * @param fit `ticks` widens the range to the next ticks, `data` keeps it and drops the ticks outside.
 */
export function niceAxis(low: number, high: number, count: number, fit: 'ticks' | 'data'): Axis {
  const [from, to] = widen(Math.min(low, high), Math.max(low, high));
  const step = niceStep((to - from) / Math.max(1, count));
  const slack = fit === 'data' ? 1e-9 : -1e-9;
  const first = fit === 'data' ? Math.ceil(from / step - slack) : Math.floor(from / step - slack);
  const last = fit === 'data' ? Math.floor(to / step + slack) : Math.ceil(to / step + slack);
  const tickAt = (index: number) => Number((index * step).toPrecision(12));
  const ticks: number[] = [];
  for (let index = first; index <= last; index++) ticks.push(tickAt(index));
  const labels = tickLabels(ticks, step);
  return fit === 'data'
    ? { min: from, max: to, ticks, labels }
    : { min: tickAt(first), max: tickAt(last), ticks, labels };
}

/** Maps the axis linearly to `[start, end]` (pixels); values outside the axis stop at its ends. */
export function toPixels(axis: Axis, start: number, end: number): (value: number) => number {
  return (value) => {
    const clamped = Math.min(axis.max, Math.max(axis.min, value));
    return start + ((clamped - axis.min) / (axis.max - axis.min)) * (end - start);
  };
}

function widen(low: number, high: number): [number, number] {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > Math.max(size * FLAT, SMALLEST)) return [low, high];
  const margin = size > SMALLEST ? size * 0.1 : 0.5;
  return [low - margin, high + margin];
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= rough * (1 - 1e-9));
  return (factor ?? 10) * power;
}

/** All labels of an axis share a unit and a number of decimals, so that they can be compared at a glance. */
function tickLabels(ticks: number[], step: number): string[] {
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= 1e12 || largest < 1e-4) {
    return ticks.map((tick) => (tick === 0 ? '0' : String(Number(tick.toPrecision(4)).toExponential())));
  }
  const [divisor, suffix] =
    largest >= 1e9 ? [1e9, 'G'] : largest >= 1e6 ? [1e6, 'M'] : largest >= 1e4 ? [1e3, 'k'] : [1, ''];
  const decimals = decimalsOf(step / divisor);
  return ticks.map((tick) =>
    tick === 0 ? '0' : `${(tick / divisor).toFixed(decimals).replace('-', '−')}${suffix}`,
  );
}

function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 12; decimals++) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 12;
}
