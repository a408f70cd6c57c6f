/**
 * The quantile of Student's t distribution.
 *
 * @param p probability, above 0.5 and below 1
 * @param df degrees of freedom, at least 0.1; they need not be a whole number
 */
export function studentQuantile(p: number, df: number): number {
  // Beyond, it is the quantile of the normal distribution to six digits, and the beta function loses its own.
  const freedom = Math.min(df, 1e6);
  let [low, high] = [0, 1];
  while (studentTail(high, freedom) > 1 - p) {
    low = high;
    high *= 2;
  }
  // Bisection down to the spacing of doubles.
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (studentTail(middle, freedom) > 1 - p) low = middle;
    else high = middle;
  }
  return high;
}

/** P(T > t) for t of 0 or more: half of the regularized incomplete beta function at df / (df + t^2). */
function studentTail(t: number, df: number): number {
  return 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The regularized incomplete beta function I_x(a, b) (Abramowitz and Stegun 26.5). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The continued fraction converges quickly on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const factor = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  return factor * betaFraction(x, a, b);
}

/** The continued fraction of the incomplete beta function (26.5.8), by Lentz's method, which begins at 1 more. */
function betaFraction(x: number, a: number, b: number): number {
  let [d, c] = [0, 1];
  let fraction = 1;
  for (let term = 0; term < 1000; term++) {
    const m = Math.floor(term / 2);
    const numerator =
      term === 0
        ? 1
        : term % 2 === 0
          ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
          : -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + numerator * d);
    c = 1 + numerator / c;
    const step = c * d;
    fraction *= step;
    if (term > 0 && Math.abs(step - 1) < 1e-15) break;
  }
  return fraction - 1;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** ln Gamma(x) for x above 0: Stirling's series (6.1.41) after a shift to where it is exact to doubles. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  for (; z < 15; z++) shift += Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
