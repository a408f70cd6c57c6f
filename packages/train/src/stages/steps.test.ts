import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import {
  createOverlapFinder,
  createPipeline,
  decontaminate,
  deduplicate,
  readPreferences,
  readPrompts,
  type Step,
  sampleCount,
} from '@gram/data';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchStream } from '../batches/batch-stream.js';
import type { PreferenceExample } from '../examples/kinds.js';
import { sourceOf } from '../examples/source.js';
import { preference } from '../objectives/preference.js';
import { prepareTraining } from '../preparation/prepare.js';
import { trainingCard } from '../running/card.js';
import { readTrainingConfig } from '../settings/read-config.js';
import { preferencePairs } from './data-kinds.js';
import { checkFile } from './read-data.js';

const folder = mkdtempSync(join(tmpdir(), 'gram-steps-'));
process.env.GRAM_CACHE = join(folder, 'cache');
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const write = (name: string, records: readonly object[]) =>
  writeFileSync(at(name), records.map((record) => `${JSON.stringify(record)}\n`).join(''));

/** 300 records about 90 prompts, of which every 5th repeats an earlier one. */
const records = Array.from({ length: 300 }, (_, n) => {
  const of = n % 5 === 4 ? n - 4 : n;
  return { id: `r${n}`, prompt: `What is ${of % 90}?`, chosen: `It is ${of}.`, rejected: `Not ${of}.` };
});

beforeAll(() => {
  write('pairs.jsonl', records);
  write('held-out.jsonl', [{ prompt: 'what is  7?' }, { prompt: 'What is 12?' }]);
});

const options = { seed: 1, margins: false, degenerate: 'drop' } as const;

async function idsOf(items: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of items) ids.push(id);
  return ids;
}

const declared = [
  { dedupe: { by: 'record' } },
  { decontaminate: { against: [at('held-out.jsonl')] } },
  { sample: { count: 100, seed: 3 } },
] as const;

it('gives what the steps of a pipeline keep, in both passes, with counts that add up', async () => {
  const file = await checkFile(
    preferencePairs,
    { path: at('pairs.jsonl'), steps: declared.map((one) => structuredClone(one)) as never },
    options,
  );
  const finder = await createOverlapFinder([{ name: 'set', records: readPrompts(at('held-out.jsonl')) }]);
  const steps: Step<never>[] = [deduplicate(), decontaminate(finder), sampleCount(100, 3)];
  const pipeline = createPipeline(
    readPreferences(at('pairs.jsonl')),
    steps as Step<{ id: string; prompt: string }>[] as never,
  );
  const expected = await idsOf(pipeline as AsyncIterable<{ id: string }>);
  expect(await idsOf(file.items())).toEqual(expected);
  expect(await idsOf(file.items())).toEqual(expected);
  expect(file.count).toBe(100);
  expect(file.dropped.duplicate).toBe(60);
  expect(file.dropped['in held-out.jsonl']).toBeGreaterThan(0);
  expect(file.count + Object.values(file.dropped).reduce((sum, count) => sum + count, 0)).toBe(300);
  expect(file.notes).toContain('duplicates: 300 read, 240 kept, 60 dropped (60 duplicate)');
});

it('keeps parts apart, and identifies the steps and the files that they read', async () => {
  const part = (name: string, more: readonly object[] = []) =>
    checkFile(
      preferencePairs,
      {
        path: at('pairs.jsonl'),
        steps: [{ split: { parts: { train: 0.8, test: 0.2 }, part: name, seed: 0 } }, ...more] as never,
      },
      options,
    );
  const [train, test] = await Promise.all([part('train'), part('test')]);
  const [trained, tested] = [await idsOf(train.items()), await idsOf(test.items())];
  expect([...trained, ...tested].sort()).toEqual(records.map(({ id }) => id).sort());
  const promptOf = (id: string) => records[Number(id.slice(1))]!.prompt;
  const seen = new Set(trained.map(promptOf));
  expect(tested.filter((id) => seen.has(promptOf(id)))).toEqual([]);
  const clean = [{ decontaminate: { against: [at('held-out.jsonl')] } }];
  const before = (await part('train', clean)).reading;
  expect((await part('train', clean)).reading).toEqual(before);
  write('held-out.jsonl', [{ prompt: 'What is 8?' }]);
  expect((await part('train', clean)).reading).not.toEqual(before);
  expect(train.reading).not.toEqual(test.reading);
});

/** Pairs of another file, in another format. */
const others = Array.from({ length: 120 }, (_, n) => ({
  id: `o${n}`,
  question: `Other ${n}?`,
  answers: { good: `yes ${n}`, bad: `no ${n}` },
}));
const mixed = [
  { dedupe: { by: 'record' } },
  {
    mix: {
      weight: 3,
      with: [
        {
          path: at('others.jsonl'),
          weight: 1,
          columns: { id: 'id', prompt: 'question', chosen: 'answers.good', rejected: 'answers.bad' },
        },
      ],
    },
  },
  { sample: { share: 0.9, seed: 3 } },
];
const checkMixed = (steps: readonly object[] = mixed) =>
  checkFile(preferencePairs, { path: at('pairs.jsonl'), steps: steps as never }, options);

it('mixes other files in by their weights, in both passes, with counts that add up', async () => {
  write('others.jsonl', others);
  const whole = await checkMixed(mixed.slice(0, 2));
  const ids = await idsOf(whole.items());
  // 240 records are left of the one file once repeated ones are out, and each three of them take one of the other.
  expect(ids).toHaveLength(320);
  for (let n = 1; n <= ids.length; n++) {
    const share = ids.slice(0, n).filter((id) => id.startsWith('o')).length;
    expect(Math.abs(share - n / 4)).toBeLessThanOrEqual(1);
  }
  expect(whole.notes).toContain('mix: 360 read, 320 kept, 40 dropped (40 left of others.jsonl)');
  expect(whole.notes).toContainEqual(expect.stringMatching(/others.jsonl: 120 records read, 120 kept/));
  const dropped = Object.values(whole.dropped).reduce((sum, count) => sum + count, 0);
  expect(whole.count + dropped).toBe(420);

  const file = await checkMixed();
  const some = await idsOf(file.items());
  expect(await idsOf(file.items())).toEqual(some);
  expect(some).toEqual(ids.filter((id) => new Set(some).has(id)));
  expect(some.length).toBeGreaterThan(250);
  expect(some.length).toBeLessThan(320);
  const before = file.reading;
  write('others.jsonl', others.toReversed());
  expect((await checkMixed()).reading).not.toEqual(before);
  write('others.jsonl', others);
  expect((await checkMixed()).reading).toEqual(before);
});

it('goes on at 20 random places of mixed data on 1, 2 and 3 ranks as if it had not stopped', async () => {
  write('others.jsonl', others);
  const number = (id: string) => Number(id.slice(1)) + (id.startsWith('o') ? 1000 : 0);
  /** The stream of a process that starts anew: it reads the files again. */
  const read = async () => {
    const examples: PreferenceExample[] = [];
    for await (const { id } of (await checkMixed()).items()) {
      const label = examples.length % 2 === 0 ? 0 : 1;
      examples.push({ ids: [1, 2, number(id), ...Array(number(id) % 7).fill(3)], label });
    }
    return examples;
  };
  const objective = preference({ labels: [1, 2] });
  const streamOf = async (
    examples: readonly PreferenceExample[],
    rank: number,
    size: number,
    position = 0,
  ) => {
    const plan = { examples: examples.length, batchSize: 12, epochs: 2, seed: 1 };
    const place = { microBatchSize: 2, rank, size, position };
    const found: string[] = [];
    for await (const batch of batchStream(plan, objective, sourceOf(examples, objective), place)) {
      found.push(JSON.stringify(batch));
    }
    return found;
  };
  const random = createRandom(2, 'places');
  const first = await read();
  for (const size of [1, 2, 3]) {
    for (let rank = 0; rank < size; rank++) {
      const [whole, again] = [await streamOf(first, rank, size), await read()];
      for (let n = 0; n < 20; n++) {
        const position = random.integer(whole.length);
        expect(await streamOf(again, rank, size, position)).toEqual(whole.slice(position));
      }
    }
  }
}, 120_000);

const scratch =
  'init.scratch={vocabSize: 300, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 256}';

function configOf(path: string, ...more: string[]) {
  const shared = [`data.path=${at(path)}`, `output=${at('out')}`, scratch, 'maxLength=256'];
  return readTrainingConfig(undefined, [...shared, ...more], { stage: 'bradley-terry' });
}

async function lossOf(path: string, batchSize: number, ...more: string[]) {
  const optimizer = `optimizer={learningRate: 0.01, batchSize: ${batchSize}, epochs: 1}`;
  const prepared = await prepareTraining(configOf(path, optimizer, ...more));
  const { history } = await prepared.run();
  return { loss: history[0]!.loss, data: prepared.data, examples: prepared.examples };
}

it('counts a pair by its weight, as if it stood there as often', async () => {
  const pair = (n: number) => ({ prompt: `${n}?`, chosen: `yes ${n}`, rejected: `no, not ${n}` });
  write('weighted.jsonl', [
    { ...pair(1), weight: 3 },
    { ...pair(2), weight: 1 },
  ]);
  write('repeated.jsonl', [pair(1), pair(1), pair(1), pair(2)]);
  // A tokenizer that is trained on the texts must see the same ones.
  write('same.jsonl', [pair(1), pair(2)]);
  const weighted = await lossOf('weighted.jsonl', 2, 'data.weights=true');
  const plain = await lossOf('same.jsonl', 2);
  const repeated = await lossOf('repeated.jsonl', 4);
  expect(weighted.loss).toBeCloseTo(repeated.loss, 5);
  expect(Math.abs(weighted.loss - plain.loss)).toBeGreaterThan(1e-6);
  expect((await lossOf('weighted.jsonl', 2)).loss).toBeCloseTo(plain.loss, 6);
}, 120_000);

it('gives all pairs of a ranking the weight of one pair, on one rank and on two', async () => {
  write('rankings.jsonl', [
    { prompt: 'A?', responses: ['a', 'b', 'c', 'd'], scores: [4, 3, 2, 1] },
    { prompt: 'B?', responses: ['a', 'b'], scores: [2, 1] },
  ]);
  const source = { path: at('rankings.jsonl'), weights: true };
  const file = await checkFile(preferencePairs, source, options);
  const shares = new Map<string, number>();
  const examples: PreferenceExample[] = [];
  for await (const { prompt, weight = Number.NaN } of file.items()) {
    shares.set(String(prompt), (shares.get(String(prompt)) ?? 0) + weight);
    examples.push({ ids: [1, 2, examples.length], label: 0 as const, weight });
  }
  expect(examples).toHaveLength(7);
  for (const share of shares.values()) expect(share).toBeCloseTo(1);
  const objective = preference({ labels: [1, 2] });
  const plan = { examples: 7, batchSize: 7, epochs: 1, seed: 1 };
  const weightsOf = async (rank: number, size: number) => {
    const found: number[] = [];
    const placed = { microBatchSize: 2, rank, size };
    for await (const { arrays } of batchStream(plan, objective, sourceOf(examples, objective), placed)) {
      for (const { weights } of arrays) found.push(...(weights as { data: Float32Array }).data);
    }
    return found.filter((weight) => weight > 0);
  };
  const [one, two] = [await weightsOf(0, 1), [await weightsOf(0, 2), await weightsOf(1, 2)].flat()];
  expect(two.toSorted()).toEqual(one.toSorted());
  expect(one.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
  expect(Math.max(...one)).toBeCloseTo(1 / 2);
});

it('reads the steps of a configuration, tells its paths from the file on, and names what is wrong', () => {
  const steps = (text: string) => () =>
    configOf('pairs.jsonl', 'optimizer={learningRate: 1, batchSize: 1}', `data.steps=${text}`);
  const config = steps(`[{decontaminate: {against: [test.jsonl, {path: more.jsonl}]}}, {dedupe: {}}]`)();
  expect(config.data.steps).toEqual([
    {
      decontaminate: {
        against: [join(process.cwd(), 'test.jsonl'), { path: join(process.cwd(), 'more.jsonl') }],
      },
    },
    { dedupe: { by: 'record' } },
  ]);
  expect(steps('[{dedup: {}}]')).toThrow(/no key "data.steps.*dedup"/);
  expect(steps('[{dedupe: {near: 0.2}}]')).toThrow(/data.steps.0.dedupe.near/);
  expect(steps('[{dedupe: {}, filter: {garble: true}}]')).toThrow(/must have one step/);
  expect(steps('[{filter: {maxTokens: 3}}]')).toThrow(/filter.tokenizer/);
  expect(steps('[{sample: {count: 3, first: 2}}]')).toThrow(/one of sample.every/);
  expect(steps('[{mix: {with: []}}]')).toThrow(/data.steps.0.mix.with/);
  expect(steps('[{mix: {with: [{path: a.jsonl, weight: 0}]}}]')).toThrow(/data.steps.0.mix.with.0.weight/);
  expect(steps('[{mix: {with: [{path: a.jsonl, weight: 1, format: messages}]}}]')).toThrow(
    /data.steps.0.mix names messages, which has no/,
  );
  expect(steps('[{mix: {with: [{path: a.jsonl, weight: 1}]}}]')().data.steps).toEqual([
    { mix: { weight: 1, with: [{ path: join(process.cwd(), 'a.jsonl'), weight: 1 }] } },
  ]);
  expect(steps('[{split: {parts: {a: 0.5, b: 0.5}, part: c}}]')).toThrow(/no part "c"/);
});

it('tells the card of the steps and of what they left out', async () => {
  const config = configOf(
    'pairs.jsonl',
    'optimizer={learningRate: 0.01, batchSize: 8}',
    'data.steps=[{dedupe: {}}]',
  );
  const prepared = await prepareTraining(config);
  expect(prepared.data.records).toBe(300);
  expect(prepared.examples).toBe(240);
  const card = trainingCard({
    name: 'run',
    config: { ...config, data: { ...config.data, format: prepared.data.format } },
    gram: prepared.gram,
    data: { examples: prepared.examples, ...prepared.data },
    parameters: 1,
    trainedParameters: 1,
    history: [],
    skipped: 0,
    versions: {},
  });
  expect(card).toMatch(/left out: duplicate *\| *60/);
  expect(card).toMatch(/steps.*dedupe/);
  expect(card).not.toContain(folder);
});
