import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allFinite } from './finite.js';

it('agrees with Number.isFinite on all bit patterns', () => {
  const bits = fc.array(
    fc.oneof(fc.integer(), fc.constantFrom(0x7f800000, -0x800000, 0x7f7fffff, 0x7fc00000, 1)),
  );
  fc.assert(
    fc.property(bits, (values) => {
      const data = new Float32Array(Int32Array.from(values).buffer);
      expect(allFinite(data)).toBe(data.every(Number.isFinite));
    }),
  );
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  'finds %d anywhere in a view',
  (value) => {
    const data = new Float32Array(100);
    for (const place of [10, 55, 89]) {
      data.fill(0)[place] = value;
      expect(allFinite(data.subarray(10, 90))).toBe(false);
    }
    // Outside of the view it does not count.
    data.fill(0)[9] = value;
    expect(allFinite(data.subarray(10, 90))).toBe(true);
  },
);
