import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJsonl } from '@gram/data';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readBenchmark } from '../benchmark-runs/read.js';
import { runBenchmark } from '../benchmark-runs/run.js';
import { summarizeBenchmark } from '../benchmark-runs/summary.js';
import { rewardModelFromFunction } from '../models/from-function.js';

/** A record with the published columns. */
const record = (winner: string, responses: [string, string], ...flags: string[]) => ({
  question_id: `q-${winner}-${responses.join('-')}`,
  model_a: 'm',
  model_b: 'n',
  winner,
  prompt: 'p',
  response_1: responses[0],
  response_2: responses[1],
  language: 'English',
  conv_metadata: { turns: 1 },
  is_refusal: false,
  ...Object.fromEntries(
    ['is_code', 'hard_prompt', 'easy_prompt', 'if_prompt', 'math_prompt'].map((flag) => [
      flag,
      flags.includes(flag),
    ]),
  ),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-ppe-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function save(name: string, ...records: object[]): Promise<string> {
  const path = join(folder, name);
  await writeJsonl(path, records);
  return path;
}

it('scores the pairs that have a winner, by group, as counted by hand', async () => {
  const path = await save(
    'test.jsonl',
    record('model_a', ['long', 'x'], 'hard_prompt', 'is_code'), // right
    record('model_b', ['long', 'x'], 'hard_prompt', 'math_prompt'), // wrong
    record('model_b', ['x', 'longer'], 'easy_prompt'), // right
    record('model_a', ['longest', 'x'], 'is_code', 'if_prompt'), // right
    record('tie', ['a', 'b'], 'hard_prompt'),
    record('tie (bothbad)', ['a', 'b']),
  );
  const benchmark = await readBenchmark(path, 'ppe-human-preference');
  expect(benchmark.dropped).toBe(2);
  expect(benchmark.items[1]).toMatchObject({
    subset: 'hard',
    preferred: 'second',
    responses: ['long', 'x'],
    tags: ['hard_prompt', 'math_prompt'],
  });
  const longer = rewardModelFromFunction((items) =>
    items.map(({ a, b }) => (a.length > b.length ? 0.9 : 0.1)),
  );
  const results = await runBenchmark(longer, benchmark);
  const { scores, subsets } = summarizeBenchmark('ppe-human-preference', results);
  expect(Object.fromEntries(scores.rows.map(({ name, values }) => [name, values[0]]))).toEqual({
    'All pairs': 3 / 4,
    'Hard prompts': 1 / 2,
    'Easy prompts': 1,
    'Instruction following': 1,
    Code: 1,
    Math: 0,
  });
  expect(Object.keys(subsets)).toEqual(['hard', 'easy', 'neither']);
});

it('has no score for a group without pairs, and names a field that is wrong', async () => {
  const one = await readBenchmark(
    await save('one.jsonl', record('model_a', ['a', 'b'])),
    'ppe-human-preference',
  );
  const results = await runBenchmark(
    rewardModelFromFunction((items) => items.map(() => 0.5)),
    one,
  );
  const { scores } = summarizeBenchmark('ppe-human-preference', results);
  expect(scores.rows.map(({ values }) => values[0])).toEqual([0, null, null, null, null, null]);
  const bad = await save('bad.jsonl', { ...record('model_a', ['a', 'b']), hard_prompt: 1 });
  await expect(readBenchmark(bad, 'ppe-human-preference')).rejects.toThrow(/"hard_prompt" of .*line 1/);
  const winner = await save('winner.jsonl', record('model_c', ['a', 'b']));
  await expect(readBenchmark(winner, 'ppe-human-preference')).rejects.toThrow(/"winner" of .*line 1/);
});
