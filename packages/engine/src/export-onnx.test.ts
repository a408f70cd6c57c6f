import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportOnnx } from './export-onnx.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gram-export-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const layer = ({ w, x }: { w: tf.Tensor2D; x: tf.Tensor2D }) => ({
  y: tf.tanh(tf.matMul(x, w)),
  rows: tf.sum(x, 0),
});
const specs = {
  w: { dtype: 'float32', shape: [2, 3] },
  x: { dtype: 'float32', shape: ['B', 2] },
} as const;
const w = [1, -2, 3, 0.5, 0.25, -1];

it('writes a graph for all sizes that reads its weights from another file', async () => {
  // The weights do not begin at the start of the file.
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(Float32Array.from([9, 9, ...w]).buffer));
  const path = join(folder, 'layer.onnx');
  const written = await exportOnnx(layer, specs, path, {
    files: { w: { location: 'weights.bin', offset: 8 } },
  });
  expect(written.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['B', 2] }]);
  expect(written.outputs.map(({ name, shape }) => [name, shape])).toEqual([
    ['y', ['B', 3]],
    ['rows', [2]],
  ]);
  expect(written.bytes).toBeLessThan(1000);
  expect(readdirSync(folder).sort()).toEqual(['layer.onnx', 'weights.bin']);

  const session = await InferenceSession.create(path);
  for (const rows of [1, 4]) {
    const x = Float32Array.from({ length: 2 * rows }, (_, i) => Math.sin(i + 1));
    const { y } = await session.run({ x: new Tensor('float32', x, [rows, 2]) });
    const expected = Array.from({ length: rows * 3 }, (_, i) => {
      const [row, column] = [Math.floor(i / 3), i % 3];
      return Math.tanh(x[2 * row]! * w[column]! + x[2 * row + 1]! * w[3 + column]!);
    });
    expect(y!.dims).toEqual([rows, 3]);
    for (const [i, value] of Array.from(y!.data as Float32Array).entries())
      expect(value).toBeCloseTo(expected[i]!, 5);
  }
  await session.release();
});

it('reads weights of half the width', async () => {
  // bfloat16 is the upper half of a float32.
  const halves = Uint16Array.from(new Uint32Array(Float32Array.from(w).buffer), (bits) => bits >>> 16);
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(halves.buffer));
  const path = join(folder, 'layer.onnx');
  await exportOnnx(layer, specs, path, {
    files: { w: { location: 'weights.bin', offset: 0, type: 'bfloat16' } },
  });
  const session = await InferenceSession.create(path);
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.from([1, 0]), [1, 2]) });
  for (const [i, value] of Array.from(y!.data as Float32Array).entries())
    expect(value).toBeCloseTo(Math.tanh(w[i]!), 5);
  await session.release();
});

it('keeps names that an input and an output share apart', async () => {
  const path = join(folder, 'double.onnx');
  const { outputs } = await exportOnnx(
    ({ x }: { x: tf.Tensor }) => ({ x: tf.mul(x, 2) }),
    { x: { dtype: 'float32', shape: [1] } },
    path,
  );
  expect(outputs[0]!.name).toBe('out:x');
  const session = await InferenceSession.create(path);
  const out = await session.run({ x: new Tensor('float32', Float32Array.from([3]), [1]) });
  expect(Array.from(out['out:x']!.data as Float32Array)).toEqual([6]);
  await session.release();
});

it.each([
  ['outside of the folder', { location: '../weights.bin', offset: 0 }, /outside of the folder/],
  ['by an absolute path', { location: '/etc/hostname', offset: 0 }, /outside of the folder/],
  ['a file that is not there', { location: 'none.bin', offset: 0 }, /none\.bin, which is not in/],
  ['a file that is too short', { location: 'weights.bin', offset: 8 }, /which has 24 bytes, not 32/],
])('refuses weights from %s, and writes nothing', async (_, source, message) => {
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(24));
  const run = exportOnnx(layer, specs, join(folder, 'layer.onnx'), { files: { w: source } });
  await expect(run).rejects.toMatchObject({ code: 'bad-file', message: expect.stringMatching(message) });
  expect(readdirSync(folder)).toEqual(['weights.bin']);
});

it('says that a folder cannot be written to', async () => {
  const run = exportOnnx(layer, specs, join(folder, 'none', 'layer.onnx'));
  await expect(run).rejects.toMatchObject({
    code: 'bad-file',
    message: expect.stringContaining('cannot be written'),
  });
});
