import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32 } from '@gram/engine';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSafetensors } from './read.js';
import { writeSafetensors } from './write.js';

let dir: string;
let path: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gram-safetensors-'));
  path = join(dir, 'a.safetensors');
});
afterAll(() => rm(dir, { recursive: true }));

it('reads back what it wrote, bit by bit', async () => {
  const array = fc
    .array(fc.nat(3), { maxLength: 3 })
    .chain((shape) => {
      const size = shape.reduce((n, dim) => n * dim, 1);
      return fc.tuple(fc.constant(shape), fc.uint32Array({ minLength: size, maxLength: size }));
    })
    .map(([shape, bits]) => float32(shape, new Float32Array(bits.buffer, bits.byteOffset, bits.length)));
  const name = fc.string({ unit: 'binary' }).filter((text) => text !== '__proto__');
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, array), { selector: ([key]) => key, maxLength: 6 }),
      fc.dictionary(name, fc.string({ unit: 'binary' })),
      async (entries, metadata) => {
        await writeSafetensors(path, Object.fromEntries(entries), metadata);
        const back = await readSafetensors(path);
        expect({ ...back.metadata }).toEqual({ format: 'pt', ...metadata });
        expect(Object.keys(back.tensors).toSorted()).toEqual(entries.map(([key]) => key).toSorted());
        for (const [key, { shape, data }] of entries) {
          expect(back.tensors[key]!.shape).toEqual(shape);
          expect(Buffer.from(back.tensors[key]!.data.buffer as ArrayBuffer)).toEqual(
            Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
          );
        }
      },
    ),
    { numRuns: 100 },
  );
});

it('writes equal bytes for equal tensors in any order, aligned to eight bytes', async () => {
  const a = float32([2], [1, 2]);
  const b = float32([1, 1], [3]);
  await writeSafetensors(path, { b, a }, { z: '1', k: '2' });
  const first = await readFile(path);
  await writeSafetensors(path, { a, b }, { k: '2', z: '1' });
  expect(await readFile(path)).toEqual(first);
  expect(first.readBigUInt64LE() % 8n).toBe(0n);
  expect(first.subarray(-12)).toEqual(Buffer.from(Float32Array.of(1, 2, 3).buffer));
});

it('writes the part of a buffer that a view shows', async () => {
  await writeSafetensors(path, { a: float32([2], Float32Array.of(1, 2, 3, 4).subarray(1, 3)) });
  expect([...(await readSafetensors(path)).tensors.a!.data]).toEqual([2, 3]);
});

it('refuses what is not a float32 array or has a reserved name, and writes nothing', async () => {
  const target = join(dir, 'none.safetensors');
  const a = float32([1], [1]);
  await expect(writeSafetensors(target, { __metadata__: a })).rejects.toMatchObject({ code: 'bad-weights' });
  await expect(writeSafetensors(target, { a: { ...a, shape: [2] } })).rejects.toMatchObject({
    message: 'tensor "a" has the shape [2] and 1 elements',
  });
  const integers = { ...a, data: Int32Array.of(1) as unknown as Float32Array };
  await expect(writeSafetensors(target, { a: integers })).rejects.toMatchObject({ code: 'bad-weights' });
  expect(await readdir(dir)).not.toContain('none.safetensors');
});
