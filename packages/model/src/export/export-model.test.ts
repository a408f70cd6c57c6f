import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endIds, sharedLength } from '../config/model-config.js';
import { parseConfig } from '../config/parse-config.js';
import { cases, tokens as sequence, weightsOf } from '../decoder/__fixtures__/context-cases.js';
import { readConfig, saveModel } from '../directory/model-directory.js';
import { exportGenerator, exportJudge, exportReward } from './export-model.js';

// The runtime's own binding, as another program would use it.
const ort = await import('onnxruntime-node');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gram-export-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** A model that transformers made, with the numbers that it computed. */
async function fixture(name: string) {
  const source = fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));
  await cp(source, dir, { recursive: true });
  const expected = JSON.parse(await readFile(join(dir, 'expected.json'), 'utf8'));
  return { expected, tokens: expected.tokens as number[][] };
}

const int32 = (shape: number[], data: readonly number[]) =>
  new ort.Tensor('int32', Int32Array.from(data), shape);
const numbers = (tensor: Tensor | undefined) => Array.from(tensor!.data as Float32Array);

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of found.entries()) expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-4);
}

describe.each(['llama-tied-grouped', 'llama-rope-scaled', 'qwen2', 'qwen3-sharded-bf16'])(
  '%s, exported',
  (name) => {
    it('judges as transformers, over the model files themselves', async () => {
      const { expected, tokens } = await fixture(name);
      const before = await readdir(dir);
      const { path, bytes, inputs } = await exportJudge(dir, [3, 5]);
      expect((await readdir(dir)).toSorted()).toEqual([...before, 'judge.onnx'].toSorted());
      expect(bytes).toBeLessThan(200_000);
      expect(inputs.map((input) => input.name)).toEqual(['tokens', 'last']);
      const session = await ort.InferenceSession.create(path);
      const length = tokens[0]!.length;
      const last = [length - 1, 10];
      const { logits } = await session.run({
        tokens: int32([2, length], tokens.flat()),
        last: int32([2], last),
      });
      const wanted = last.flatMap((t, row) =>
        [3, 5].map((id) => expected.logits[(row * length + t) * 40 + id]),
      );
      expectClose(numbers(logits), wanted);
      await session.release();
    });

    it('generates as transformers, with a cache', async () => {
      const { expected, tokens } = await fixture(name);
      const config = await readConfig(dir);
      expect(endIds(config)).toEqual([]);
      const { prompt, next } = await exportGenerator(dir, { maxLength: 40 });
      const [first, further] = [
        await ort.InferenceSession.create(prompt.path),
        await ort.InferenceSession.create(next.path),
      ];
      const start = tokens[0]!.slice(0, 6);
      const capacity = start.length + 32;
      const out = await first.run({ tokens: int32([1, 6], start), last: int32([1], [5]) });
      const { numKeyValueHeads: groups, headDim } = config;
      const cache: Record<string, Tensor> = {};
      for (const key of further.inputNames.filter((input) => input.startsWith('cache/'))) {
        const room = new Float32Array(groups * capacity * headDim);
        const filled = out[key]!.data as Float32Array;
        for (let group = 0; group < groups; group++) {
          const part = filled.subarray(group * 6 * headDim, (group + 1) * 6 * headDim);
          room.set(part, group * capacity * headDim);
        }
        cache[key] = new ort.Tensor('float32', room, [1, groups, capacity, headDim]);
      }
      const best = (logits: number[]) => logits.indexOf(Math.max(...logits));
      const found = [best(numbers(out.logits))];
      while (found.length < 32) {
        const position = 6 + found.length - 1;
        const step: InferenceSession.ReturnType = await further.run({
          tokens: int32([1], [found.at(-1)!]),
          positions: int32([1], [position]),
          ...cache,
        });
        for (const key of Object.keys(cache)) cache[key] = step[`out:${key}`] as Tensor;
        found.push(best(numbers(step.logits as Tensor)));
      }
      expect(found).toEqual(expected.greedy);
      for (const session of [first, further]) await session.release();
    });
  },
);

describe.each(Object.entries(cases))('%s, exported', (_, { config: json, beginnings }) => {
  it('judges as transformers', async () => {
    const config = parseConfig(json, 'config.json');
    await saveModel(join(dir, 'model'), { config, weights: weightsOf(config) });
    const labels = [3, 5];
    // Under dynamic scaling, up to the original context.
    const longest = Math.min(sequence.length, sharedLength(config));
    const { path } = await exportJudge(join(dir, 'model'), labels, { maxLength: longest });
    const session = await ort.InferenceSession.create(path);
    const lengths = Object.keys(beginnings).map(Number);
    const rows = lengths.filter((length) => length <= longest);
    const width = Math.max(...rows);
    const tokens = rows.flatMap((length) => sequence.slice(0, width).map((id, t) => (t < length ? id : 0)));
    const { logits } = await session.run({
      tokens: int32([rows.length, width], tokens),
      last: int32(
        [rows.length],
        rows.map((length) => length - 1),
      ),
    });
    expectClose(
      numbers(logits),
      rows.flatMap((length) => labels.map((id) => beginnings[length]![id]!)),
    );
    await session.release();
  });
});

it('refuses a graph for lengths at which dynamic scaling turns positions by the length', async () => {
  const config = parseConfig(cases.dynamic!.config, 'config.json');
  await saveModel(join(dir, 'model'), { config, weights: weightsOf(config) });
  await expect(exportJudge(join(dir, 'model'), [3, 5], { maxLength: 17 })).rejects.toMatchObject({
    code: 'bad-request',
    message: expect.stringContaining('the model is made for 16 tokens'),
  });
});

it('exports a model that scores', async () => {
  const { expected, tokens } = await fixture('qwen3-reward');
  const { path } = await exportReward(dir);
  const session = await ort.InferenceSession.create(path);
  const length = tokens[0]!.length;
  const last = int32([2], [length - 1, length - 1]);
  const { rewards } = await session.run({ tokens: int32([2, length], tokens.flat()), last });
  expectClose(numbers(rewards), expected.values);
  await session.release();
});

it('refuses a graph that does not belong to the model, and a length that it is not made for', async () => {
  await fixture('qwen3-reward');
  const before = await readdir(dir);
  await expect(exportJudge(dir, [1, 2])).rejects.toMatchObject({ code: 'bad-request' });
  await expect(exportReward(dir, { maxLength: 65 })).rejects.toMatchObject({ code: 'bad-request' });
  expect(await readdir(dir)).toEqual(before);
});
