import { describe, expect, it } from 'vitest';
import cases from './__fixtures__/blocks.json' with { type: 'json' };
import { dequantize } from './dequantize.js';
import { BLOCKS, type TensorType } from './tensor-types.js';

/** Memory of its own, so that elements are aligned. */
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));

describe('dequantize', () => {
  it('has a reference for every type', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(BLOCKS).sort());
  });

  it.each(Object.keys(BLOCKS) as TensorType[])('gives the bits of gguf for %s', (type) => {
    const blocks = bytesOf(cases[type].blocks);
    const expected = new Uint32Array(bytesOf(cases[type].values).buffer);
    expect(blocks.length % BLOCKS[type].bytes).toBe(0);
    const values = new Float32Array((blocks.length / BLOCKS[type].bytes) * BLOCKS[type].elements);
    dequantize[type](blocks, values);
    expect([...new Uint32Array(values.buffer)]).toEqual([...expected]);
  });

  it.each(['F16', 'BF16'] as const)('reads %s from an odd position, into the middle of an array', (type) => {
    const blocks = bytesOf(cases[type].blocks);
    const shifted = new Uint8Array(blocks.length + 1);
    shifted.set(blocks, 1);
    const values = new Float32Array(blocks.length / 2 + 3);
    dequantize[type](shifted.subarray(1), values.subarray(2, -1));
    const expected = new Float32Array(bytesOf(cases[type].values).buffer);
    expect([...values]).toEqual([0, 0, ...expected, 0]);
  });
});
