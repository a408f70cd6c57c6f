import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extent, niceAxis, toPixels } from './scale.js';

describe('niceAxis', () => {
  it.each([
    [0, 1, '0 0.2 0.4 0.6 0.8 1.0'],
    [0.42, 0.71, '0.4 0.5 0.6 0.7 0.8'],
    [-3.2, 6.5, '−4 −2 0 2 4 6 8'],
    [0, 399, '0 100 200 300 400'],
    [0, 12_300, '0 2.5k 5.0k 7.5k 10.0k 12.5k'],
    [0, 133e6, '0 50M 100M 150M'],
    [0, 8e-5, '0 2e-5 4e-5 6e-5 8e-5'],
    [0, 4e13, '0 1e+13 2e+13 3e+13 4e+13'],
    [7, 7, '6.0 6.5 7.0 7.5 8.0'],
    [0, 0, '−0.6 −0.4 −0.2 0 0.2 0.4 0.6'],
  ])('labels %d to %d', (low, high, labels) => {
    expect(niceAxis(low, high, 5, 'ticks').labels.join(' ')).toBe(labels);
  });

  it('keeps the range of the data where it is told to', () => {
    const axis = niceAxis(0, 399, 7, 'data');
    expect([axis.min, axis.max]).toEqual([0, 399]);
    expect(axis.ticks).toEqual([0, 100, 200, 300]);
  });

  it('covers any range with a few rising ticks', () => {
    const value = fc.double({ noNaN: true, min: -1e300, max: 1e300 });
    fc.assert(
      fc.property(value, value, (first, second) => {
        const axis = niceAxis(first, second, 5, 'ticks');
        // A value may stand beyond the last tick by a rounding error, which no one sees.
        const slack = 1e-8 * (axis.max - axis.min);
        expect(axis.min - slack).toBeLessThanOrEqual(Math.min(first, second));
        expect(axis.max + slack).toBeGreaterThanOrEqual(Math.max(first, second));
        expect(axis.ticks.length).toBeGreaterThanOrEqual(2);
        expect(axis.ticks.length).toBeLessThanOrEqual(9);
        expect(axis.ticks.every((tick, index) => index === 0 || tick > axis.ticks[index - 1]!)).toBe(true);
      }),
    );
  });
});

describe('extent', () => {
  it('passes over what cannot be drawn', () => {
    expect(extent([Number.NaN, 3, Number.POSITIVE_INFINITY, -2, 1e305])).toEqual([-2, 3]);
    expect(extent([Number.NaN])).toEqual([0, 1]);
  });
});

describe('toPixels', () => {
  it('maps linearly and stops at the ends', () => {
    const place = toPixels(niceAxis(0, 10, 5, 'ticks'), 100, 0);
    expect([0, 2.5, 10, -5, 20].map(place)).toEqual([100, 75, 0, 100, 0]);
  });
});
