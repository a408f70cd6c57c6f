/** Growth of the cost with what it is measured against. */

/**
 * The exponent k of cost = c value^k: the slope of the least squares line through the logarithms.
 *
 * @param points `[value, cost]`, at least two with different values
 */
export function exponentOf(points) {
  const logs = points.map(([value, cost]) => [Math.log(value), Math.log(cost)]);
  const mean = (axis) => logs.reduce((sum, pair) => sum + pair[axis], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const along = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return along / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

/**
 * The share s of a work that no second thread takes part in, by the law of Amdahl: T(n) / T(1) = s + (1 - s) / n.
 *
 * @param points `[threads, seconds]`, the first of one thread and the last of the most
 */
export function serialShare(points) {
  const [[, one], [threads, all]] = [points[0], points.at(-1)];
  return (threads * (all / one) - 1) / (threads - 1);
}

/** Speed of n threads, in times that of one, where a share of the work is serial. A share below zero is measured noise. */
export function expectedSpeedup(share, threads) {
  const serial = Math.max(0, share);
  return 1 / (serial + (1 - serial) / threads);
}
