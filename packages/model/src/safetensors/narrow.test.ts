import fc from 'fast-check';
import { expect, it } from 'vitest';
import { roundToBfloat16 } from './narrow.js';
import { widenBfloat16 } from './widen.js';

function rounded(value: number): number {
  const halves = new Uint16Array(1);
  roundToBfloat16(new Uint32Array(Float32Array.of(value).buffer), halves);
  const bits = new Uint32Array(1);
  widenBfloat16(halves, bits);
  return new Float32Array(bits.buffer)[0]!;
}

it('rounds to the nearest value, and to the even one of two', () => {
  // 1 + 1/128 is the next bfloat16 after 1.
  expect(rounded(1 + 1 / 256)).toBe(1);
  expect(rounded(1 + 3 / 256)).toBe(1 + 2 / 128);
  expect(rounded(1 + 1.01 / 256)).toBe(1 + 1 / 128);
  expect(rounded(-(1 + 1.01 / 256))).toBe(-(1 + 1 / 128));
  expect(rounded(3.4e38)).toBe(Number.POSITIVE_INFINITY);
  expect(Object.is(rounded(-0), -0)).toBe(true);
  expect(rounded(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
});

it('keeps values that bfloat16 holds, and is off by half of the last place at most', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: Math.fround(-1e38), max: Math.fround(1e38) }), (value) => {
      const once = rounded(value);
      expect(Object.is(rounded(once), once)).toBe(true);
      // Below the smallest normal number the distance between values stays 2^-133.
      expect(Math.abs(once - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) / 256, 2 ** -134));
    }),
  );
});

it('keeps a NaN, also one whose payload lies in the lower bits', () => {
  const halves = new Uint16Array(2);
  roundToBfloat16(Uint32Array.of(0x7f800001, 0xffffffff), halves);
  const bits = new Uint32Array(2);
  widenBfloat16(halves, bits);
  expect([...new Float32Array(bits.buffer)]).toEqual([Number.NaN, Number.NaN]);
});
