import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withFile } from '../files/read.js';
import { readGgufTensor } from './read-tensor.js';

it('reads a tensor of several pieces, each from its place', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gram-gguf-'));
  try {
    const path = join(dir, 'tensor');
    const start = 7;
    const count = 2 ** 16 + 3;
    const blocks = Buffer.alloc(start + 34 * count);
    const expected = new Float32Array(32 * count);
    for (let block = 0; block < count; block++) {
      const at = start + 34 * block;
      // One in half precision, and two in every other block.
      const scale = block % 2 === 0 ? 1 : 2;
      blocks.writeUInt16LE(scale === 1 ? 0x3c00 : 0x4000, at);
      for (let i = 0; i < 32; i++) {
        const value = ((block * 31 + (block >> 8) * 13 + i * 7) % 256) - 128;
        blocks.writeInt8(value, at + 2 + i);
        expected[32 * block + i] = scale * value;
      }
    }
    await writeFile(path, blocks);
    const tensor = { type: 'Q8_0', shape: [count, 32], size: 32 * count, start, bytes: 34 * count } as const;
    const { shape, data } = await withFile(path, (handle) => readGgufTensor(handle, 'a', tensor, path));
    expect(shape).toEqual([count, 32]);
    expect(Buffer.from(data.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('refuses a scale that is not finite, in whichever piece', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gram-gguf-'));
  try {
    const path = join(dir, 'tensor');
    const count = 2 ** 15 + 3;
    for (const [block, bits] of [
      [0, 0x7e00],
      [count - 1, 0x7c00],
    ] as const) {
      const blocks = Buffer.alloc(34 * count, 1);
      blocks.writeUInt16LE(bits, 34 * block);
      await writeFile(path, blocks);
      const tensor = {
        type: 'Q8_0',
        shape: [count, 32],
        size: 32 * count,
        start: 0,
        bytes: 34 * count,
      } as const;
      const reading = withFile(path, (handle) => readGgufTensor(handle, 'blk.0.ffn_up.weight', tensor, path));
      await expect(reading).rejects.toMatchObject({
        code: 'bad-weights',
        message: expect.stringContaining('"blk.0.ffn_up.weight" holds a value that is not finite'),
      });
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
