import { describe, expect, it } from 'vitest';
import { widenBfloat16, widenFloat16 } from './widen.js';

function widened(widen: typeof widenFloat16, bits: number[]): { bits: number[]; values: number[] } {
  const target = new Uint32Array(bits.length);
  widen(Uint16Array.from(bits), target);
  return { bits: [...target], values: [...new Float32Array(target.buffer)] };
}

/** The value of a finite half from its definition. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe('widenFloat16', () => {
  it('gives every finite half its value, subnormals and the sign of zero included', () => {
    const finite = Array.from({ length: 0x10000 }, (_, i) => i).filter((i) => (i & 0x7c00) !== 0x7c00);
    const { values } = widened(widenFloat16, finite);
    expect(finite.filter((bits, i) => !Object.is(values[i], halfValue(bits)))).toEqual([]);
  });

  it('keeps infinities, and sign and payload of NaN', () => {
    const { bits } = widened(widenFloat16, [0x7c00, 0xfc00, 0x7e01, 0xfc01, 0x7fff]);
    expect(bits).toEqual([0x7f800000, 0xff800000, 0x7fc02000, 0xff802000, 0x7fffe000]);
  });
});

describe('widenBfloat16', () => {
  it('puts the bits into the upper half, also of subnormals, infinities and signalling NaN', () => {
    const { bits } = widened(widenBfloat16, [0x0000, 0x8000, 0x3f80, 0x0001, 0x7f80, 0xff80, 0x7f81, 0xffc1]);
    expect(bits).toEqual([
      0, 0x80000000, 0x3f800000, 0x10000, 0x7f800000, 0xff800000, 0x7f810000, 0xffc10000,
    ]);
  });
});
