import { readFileSync } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile } from '../compile/compile.js';
import { place, read } from '../compile/place.js';
import { type ArraySpec, float32, type NDArray } from './array.js';
import { ArrayFile, fileArray } from './file-array.js';

const ROWS = 512;
const WIDTH = 1024;
const OUTPUTS = 2048;
/** Bytes before the first array: its place is not that of a page. */
const OFFSET = 64;

const numbers = (size: number, seed: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 12.9898 * i));
const table = float32([ROWS, WIDTH], numbers(ROWS * WIDTH, 1));
const matrix = float32([OUTPUTS, WIDTH], numbers(OUTPUTS * WIDTH, 2));

type Inputs = { weights: { table: tf.Tensor2D; matrix: tf.Tensor2D }; rows: tf.Tensor1D };
/** Reads rows of a table, and multiplies them by a matrix, which the runtime packs. */
const multiply = ({ weights, rows }: Inputs) => ({
  y: tf.matMul(tf.gather(weights.table, rows), weights.matrix, false, true),
});
const rows = { dtype: 'int32', shape: [3], data: Int32Array.of(5, 400, 5) } as NDArray<'int32'>;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-file-array-'));
  path = join(folder, 'arrays.bin');
  const parts = [new Uint8Array(OFFSET), ...[table, matrix].map(({ data }) => new Uint8Array(data.buffer))];
  await writeFile(path, Buffer.concat(parts));
});
afterEach(() => rm(folder, { recursive: true }));

function arrays() {
  const file = new ArrayFile(path);
  const of = ({ shape }: ArraySpec, offset: number) => fileArray({ dtype: 'float32', shape }, file, offset);
  return { table: of(table, OFFSET), matrix: of(matrix, OFFSET + table.data.byteLength) };
}

/** Memory in kB that the mappings of the file take. */
function mappedMemory(): number {
  let own = false;
  let sum = 0;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) own = line.endsWith(path);
    const rss = /^Rss: +(\d+) kB/.exec(line)?.[1];
    if (own && rss !== undefined) sum += Number(rss);
  }
  return sum;
}

describe('fileArray', () => {
  it('gives the numbers of arrays in memory, in several functions that share it', async () => {
    const inMemory = compile(multiply, { constants: ['weights'] });
    const expected = await inMemory({ weights: { table, matrix }, rows });
    const weights = arrays();
    for (const run of [1, 2].map(() => compile(multiply, { constants: ['weights'] }))) {
      const { y } = await run({ weights, rows });
      expect(Buffer.from(y.data.buffer).equals(Buffer.from(expected.y.data.buffer))).toBe(true);
      run.dispose();
    }
    inMemory.dispose();
  });

  it.runIf(process.platform === 'linux')('takes no memory for what was packed', async () => {
    const run = compile(multiply, { constants: ['weights'] });
    await run({ weights: arrays(), rows });
    // The matrix has 8 MB, and rows of the table are read without it being mapped.
    expect(mappedMemory()).toBeLessThan(table.data.byteLength / 1024 / 4);
    run.dispose();
  });

  it('gives the rows of a table for every number of rows, in any order and shape', async () => {
    type Numbered = Pick<Inputs, 'weights'> & { rows: tf.Tensor };
    const look = ({ weights, rows }: Numbered) => ({
      flat: tf.gather(weights.table, tf.reshape(rows, [-1])),
      shaped: tf.neg(tf.gather(weights.table, rows as tf.Tensor1D)),
      sum: tf.sum(tf.abs(tf.gather(weights.table, rows as tf.Tensor1D))),
    });
    const run = compile(look, { constants: ['weights'], dimensions: { rows: ['B', 'T'] } });
    const weights = arrays();
    for (const shape of [
      [1, 1],
      [2, 3],
      [3, 40],
    ] as const) {
      const data = Int32Array.from({ length: shape[0] * shape[1] }, (_, i) => (i * 7919 + 3) % ROWS);
      const { flat, shaped, sum } = await run({ weights, rows: { dtype: 'int32', shape, data } });
      const expected = Array.from(data, (row) => table.data.slice(row * WIDTH, (row + 1) * WIDTH));
      expect(flat.shape).toEqual([data.length, WIDTH]);
      expect(shaped.shape).toEqual([...shape, WIDTH]);
      for (const [i, row] of expected.entries()) {
        expect(flat.data.slice(i * WIDTH, (i + 1) * WIDTH)).toEqual(row);
        expect(shaped.data.slice(i * WIDTH, (i + 1) * WIDTH)).toEqual(row.map((x) => -x));
      }
      const total = expected.reduce((all, row) => row.reduce((part, x) => part + Math.abs(x), all), 0);
      expect(sum.data[0]! / total).toBeCloseTo(1, 4);
    }
    expect(run.executables).toHaveLength(1);
    run.dispose();
  });

  it('counts rows from the end where their number is negative, and refuses those that are not there', async () => {
    const run = compile(multiply, { constants: ['weights'] });
    const weights = arrays();
    const numbered = (...numbers: number[]) =>
      run({ weights, rows: { dtype: 'int32', shape: [3], data: Int32Array.from(numbers) } });
    const { y: last } = await numbered(-1, -ROWS, 2);
    const { y: same } = await numbered(ROWS - 1, 0, 2);
    expect(last.data).toEqual(same.data);
    for (const wrong of [ROWS, -ROWS - 1])
      await expect(numbered(1, wrong, 2)).rejects.toMatchObject({ code: 'bad-array' });
    run.dispose();
  });

  it('is read into memory, and stays in its file on the CPU', async () => {
    const weights = arrays();
    expect(await place(weights, 'cpu')).toEqual(weights);
    const found = (await read(weights)) as { table: NDArray; matrix: NDArray };
    for (const [name, expected] of Object.entries({ table, matrix })) {
      const { shape, data } = found[name as keyof typeof found];
      expect(shape).toEqual(expected.shape);
      // Bytes are compared at once; number by number it takes minutes.
      expect(Buffer.from(data.buffer).equals(Buffer.from(expected.data.buffer))).toBe(true);
    }
  });

  it('is refused as an input that may change', async () => {
    const run = compile(multiply);
    await expect(run({ weights: arrays(), rows })).rejects.toMatchObject({ code: 'bad-array' });
  });

  it('is refused where its file was changed, is too short or is gone', async () => {
    const [changed, short] = [
      arrays(),
      fileArray(table, new ArrayFile(path), OFFSET + 4 * WIDTH * OUTPUTS + 4),
    ];
    await expect(short.read()).rejects.toMatchObject({ code: 'bad-file' });
    const run = compile(multiply, { constants: ['weights'] });
    await expect(run({ weights: { ...arrays(), table: short }, rows })).rejects.toMatchObject({
      code: 'bad-file',
    });
    await appendFile(path, 'more');
    for (const use of [() => changed.table.read(), () => compiledOnce(changed)]) {
      await expect(use()).rejects.toMatchObject({
        code: 'bad-file',
        message: expect.stringContaining('changed'),
      });
    }
    await rm(path);
    await expect(changed.table.read()).rejects.toMatchObject({ code: 'bad-file' });
    expect(() => new ArrayFile(path)).toThrow(expect.objectContaining({ code: 'bad-file' }));
  });
});

function compiledOnce(weights: ReturnType<typeof arrays>) {
  return compile(multiply, { constants: ['weights'] })({ weights, rows });
}
