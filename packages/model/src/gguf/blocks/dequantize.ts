import { widenBfloat16, widenFloat16 } from '../../safetensors/widen.js';
import type { TensorType } from './tensor-types.js';

/**
 * Writes the float32 values of whole blocks into `target`, which has room for exactly these.
 *
 * All products and sums below are exact in double precision, so that the one rounding on storing gives the float32
 * values of ggml, bit for bit. `halves` in the layouts are float16.
 */
type Dequantize = (blocks: Uint8Array, target: Float32Array) => void;

let halfValues: Float32Array | undefined;

/** The value of every float16, by its bits. */
export function halfTable(): Float32Array {
  if (halfValues === undefined) {
    halfValues = new Float32Array(1 << 16);
    widenFloat16(
      Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits),
      new Uint32Array(halfValues.buffer),
    );
  }
  return halfValues;
}

const bitsOf = (target: Float32Array) => new Uint32Array(target.buffer, target.byteOffset, target.length);

/** Elements of two bytes, in memory of their own if these are not aligned. */
function halvesOf(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
}

/** An element of the blocks: callers stay within them. */
function byte(blocks: Uint8Array, at: number): number {
  return blocks[at] ?? 0;
}

/** The float16 that begins at a byte of the blocks, from the table of all. */
export function halfAt(table: Float32Array, blocks: Uint8Array, at: number): number {
  return table[byte(blocks, at) | (byte(blocks, at + 1) << 8)] ?? 0;
}

/** Half scale, 32 signed bytes: `scale * q`. */
function q8_0(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 34, to += 32) {
    const scale = halfAt(half, blocks, at);
    for (let i = 0; i < 32; i++) target[to + i] = scale * ((byte(blocks, at + 2 + i) << 24) >> 24);
  }
}

/** Half scale, 16 bytes with element i in the lower and i + 16 in the upper four bits: `scale * (q - 8)`. */
function q4_0(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 18, to += 32) {
    const scale = halfAt(half, blocks, at);
    for (let i = 0; i < 16; i++) {
      const pair = byte(blocks, at + 2 + i);
      target[to + i] = scale * ((pair & 15) - 8);
      target[to + 16 + i] = scale * ((pair >> 4) - 8);
    }
  }
}

/** Half scale, half minimum, then as Q4_0: `scale * q + minimum`. */
function q4_1(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 20, to += 32) {
    const scale = halfAt(half, blocks, at);
    const minimum = halfAt(half, blocks, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = byte(blocks, at + 4 + i);
      target[to + i] = scale * (pair & 15) + minimum;
      target[to + 16 + i] = scale * (pair >> 4) + minimum;
    }
  }
}

/** Half scale, 32 bits that are the fifth ones of the elements, then as Q4_0: `scale * (q - 16)`. */
function q5_0(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 22, to += 32) {
    const scale = halfAt(half, blocks, at);
    const low = byte(blocks, at + 2) | (byte(blocks, at + 3) << 8);
    const high = byte(blocks, at + 4) | (byte(blocks, at + 5) << 8);
    for (let i = 0; i < 16; i++) {
      const pair = byte(blocks, at + 6 + i);
      target[to + i] = scale * (((pair & 15) | (((low >> i) & 1) << 4)) - 16);
      target[to + 16 + i] = scale * (((pair >> 4) | (((high >> i) & 1) << 4)) - 16);
    }
  }
}

/** Half scale, half minimum, then as Q5_0: `scale * q + minimum`. */
function q5_1(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 24, to += 32) {
    const scale = halfAt(half, blocks, at);
    const minimum = halfAt(half, blocks, at + 2);
    const low = byte(blocks, at + 4) | (byte(blocks, at + 5) << 8);
    const high = byte(blocks, at + 6) | (byte(blocks, at + 7) << 8);
    for (let i = 0; i < 16; i++) {
      const pair = byte(blocks, at + 8 + i);
      target[to + i] = scale * ((pair & 15) | (((low >> i) & 1) << 4)) + minimum;
      target[to + 16 + i] = scale * ((pair >> 4) | (((high >> i) & 1) << 4)) + minimum;
    }
  }
}

/**
 * The scale (`shift` 0) or minimum (`shift` 4) of one of eight groups, six bits each: those of the first four groups
 * have bytes of their own, whose two upper bits are those of the last four.
 */
function sixBits(blocks: Uint8Array, at: number, group: number, shift: 0 | 4): number {
  const own = at + shift;
  if (group < 4) return byte(blocks, own + group) & 63;
  return ((byte(blocks, at + 4 + group) >> shift) & 15) | ((byte(blocks, own + group - 4) >> 6) << 4);
}

/**
 * Half scale, half minimum, 12 bytes of scales and minima of the eight groups of 32, 128 bytes of which each 32 hold
 * one group in the lower and the next in the upper four bits: `scale * s * q - minimum * m`.
 */
function q4_k(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 144, to += 256) {
    const scale = halfAt(half, blocks, at);
    const minimum = halfAt(half, blocks, at + 2);
    for (let group = 0; group < 8; group++) {
      const d = scale * sixBits(blocks, at + 4, group, 0);
      const m = minimum * sixBits(blocks, at + 4, group, 4);
      const from = at + 16 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      const out = to + 32 * group;
      for (let i = 0; i < 32; i++) target[out + i] = d * ((byte(blocks, from + i) >> shift) & 15) - m;
    }
  }
}

/** As Q4_K, with 32 bytes before the last part: bit g of byte i is the fifth one of element i of group g. */
function q5_k(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 176, to += 256) {
    const scale = halfAt(half, blocks, at);
    const minimum = halfAt(half, blocks, at + 2);
    for (let group = 0; group < 8; group++) {
      const d = scale * sixBits(blocks, at + 4, group, 0);
      const m = minimum * sixBits(blocks, at + 4, group, 4);
      const from = at + 48 + 32 * (group >> 1);
      const shift = 4 * (group & 1);
      const out = to + 32 * group;
      for (let i = 0; i < 32; i++) {
        const low = (byte(blocks, from + i) >> shift) & 15;
        const fifth = ((byte(blocks, at + 16 + i) >> group) & 1) << 4;
        target[out + i] = d * (low | fifth) - m;
      }
    }
  }
}

/**
 * 128 bytes of lower four bits, 64 bytes of upper two bits, 16 signed scales of groups of 16, half scale:
 * `scale * s * (q - 32)`. Elements come in two parts of 128, and each part in four runs of 32, which share bytes.
 */
function q6_k(blocks: Uint8Array, target: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; to < target.length; at += 210, to += 256) {
    const scale = halfAt(half, blocks, at + 208);
    for (let group = 0; group < 16; group++) {
      const run = (group >> 1) & 3;
      const part = group >> 3;
      const first = 16 * (group & 1);
      const low = at + 64 * part + 32 * (run & 1) + first;
      const lowShift = 4 * (run >> 1);
      const high = at + 128 + 32 * part + first;
      const highShift = 2 * run;
      const d = scale * ((byte(blocks, at + 192 + group) << 24) >> 24);
      const out = to + 16 * group;
      for (let i = 0; i < 16; i++) {
        const q =
          ((byte(blocks, low + i) >> lowShift) & 15) | (((byte(blocks, high + i) >> highShift) & 3) << 4);
        target[out + i] = d * (q - 32);
      }
    }
  }
}

/**
 * How blocks of each type become float32.
 *
 * Source of the layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
 */
export const dequantize: Readonly<Record<TensorType, Dequantize>> = {
  F32: (blocks, target) => new Uint8Array(target.buffer, target.byteOffset, blocks.length).set(blocks),
  F16: (blocks, target) => widenFloat16(halvesOf(blocks), bitsOf(target)),
  BF16: (blocks, target) => widenBfloat16(halvesOf(blocks), bitsOf(target)),
  Q8_0: q8_0,
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q4_K: q4_k,
  Q5_K: q5_k,
  Q6_K: q6_k,
};
