import { type BlockMatrix, float32, type NDArray, uint8 } from '@gram/engine';
import { halfAt, halfTable } from './dequantize.js';

const BLOCK = 32;
const BLOCK_BYTES = 18;

/**
 * Makes the engine's 4-bit matrix of blocks of Q4_0. Both have blocks of 32 integers with 8 added and a scale; Q4_0 has element i
 * beside element i + 16 in a byte, and the engine neighbors.
 *
 * @param blocks the bytes of a matrix of whole blocks, row after row
 */
export function int4OfQ4_0(
  blocks: Uint8Array,
  outputs: number,
  inputs: number,
): BlockMatrix<NDArray<'uint8'>, NDArray<'float32'>> {
  const half = halfTable();
  const count = inputs / BLOCK;
  const packed = new Uint8Array((outputs * inputs) / 2);
  const scales = new Float32Array(outputs * count);
  for (let b = 0, at = 0; b < scales.length; b++, at += BLOCK_BYTES) {
    scales[b] = halfAt(half, blocks, at);
    const to = (b * BLOCK) / 2;
    for (let i = 0; i < 8; i++) {
      const [first, second] = [blocks[at + 2 + 2 * i] ?? 0, blocks[at + 3 + 2 * i] ?? 0];
      packed[to + i] = (first & 15) | ((second & 15) << 4);
      packed[to + 8 + i] = (first >> 4) | (second & 0xf0);
    }
  }
  return { packed: uint8([outputs, count, BLOCK / 2], packed), scales: float32([outputs, count], scales) };
}
