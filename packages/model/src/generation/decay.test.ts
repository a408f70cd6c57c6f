import { describe, expect, it } from 'vitest';
import { decay } from './decay.js';

describe('decay', () => {
  it('is exp of what is not positive', () => {
    expect(decay(0)).toBe(1);
    expect(decay(-0)).toBe(1);
    let worst = 0;
    for (let i = 1; i < 200_000; i++) {
      const x = -((i / 200_000) ** 2) * 699;
      worst = Math.max(worst, Math.abs(decay(x) / Math.exp(x) - 1));
    }
    expect(worst).toBeLessThan(1e-12);
  });

  it('is 0 far below, and for what is no number', () => {
    for (const x of [-700, -1e300, Number.NEGATIVE_INFINITY, Number.NaN]) expect(decay(x)).toBe(0);
  });
});
