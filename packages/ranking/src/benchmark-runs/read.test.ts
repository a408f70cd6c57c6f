import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { DataError } from '@gram/data';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BenchmarkName } from '../benchmarks/benchmarks.js';
import { readBenchmark } from './read.js';

let folder: string;
const folders: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-benchmarks-'));
  folders.push(folder);
});
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

async function save(name: string, ...records: object[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  const text = /\.jsonl/.test(name)
    ? records.map((record) => JSON.stringify(record)).join('\n')
    : JSON.stringify(records);
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const turn = (question: string, answer: string) => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
];
const judged = { question_id: 1, model_a: 'm', model_b: 'n', judge: 'j', turn: 1 };
const human = { ...judged, conversation_a: turn('p', 'a'), conversation_b: turn('p', 'b') };
const panda = { idx: 3, cmp_key: 'm_n', instruction: 'do', input: 'it', response1: 'a', response2: 'b' };
const votes = (annotator1: number, annotator2: number, annotator3: number) => ({
  annotator1,
  annotator2,
  annotator3,
});
const bench = { pair_id: 'u', source: 'livecodebench', question: 'p', response_A: 'a', response_B: 'b' };
const unified = { conv_A: turn('p', 'a'), conv_B: turn('p', 'b'), source: 's' };
const pair = { responses: ['a', 'b'], pairs: [[0, 1]], prompt: 'p' };

/** A sample of RM-Bench as GRAM's repository has it. */
const nine = () =>
  ['a', 'b', 'c'].flatMap((chosen) =>
    ['d', 'e', 'f'].map((rejected, i) => ({
      id: 7,
      prompt: 'p',
      chosen,
      rejected,
      domain: 'math',
      matrix_id: `0-${i}`,
    })),
  );

describe('the published formats', () => {
  it.each<[BenchmarkName, string, object, object]>([
    [
      'ppe-correctness',
      'PPE-MMLU-Pro-Best-of-K/train.jsonl',
      {
        question_id: 'q',
        model_name: 'm',
        prompt: 'p',
        response_1: 'a',
        response_2: 'b',
        response_3: 'c',
        scores: [false, true, true],
        sampled_conflict_pairs: [
          [0, 1],
          [2, 0],
          [1, 0],
        ],
      },
      {
        id: 'mmlu-pro/q/m',
        subset: 'mmlu-pro',
        responses: ['a', 'b', 'c'],
        pairs: [
          [1, 0],
          [2, 0],
        ],
        preferred: 'first',
      },
    ],
    [
      'm-reward-bench',
      'deu_Latn.jsonl',
      {
        id: 5,
        prompt: 'p',
        chosen: 'a',
        rejected: 'b',
        language: 'deu_Latn',
        source: 'hep-cpp',
        category: 'Reasoning',
      },
      { ...pair, id: 'deu_Latn/hep-cpp/5', subset: 'deu_Latn', tags: ['hep-cpp'] },
    ],
    [
      'auto-j',
      'testdata_pairwise.jsonl',
      { scenario: 'planning', label: 1, prompt: 'p', 'response 1': 'a', 'response 2': 'b' },
      { ...pair, id: '1', subset: 'General Communication', preferred: 'second' },
    ],
    [
      'helpsteer',
      'validation.jsonl.gz',
      {
        domain: 'stem',
        language: 'english',
        context: turn('p', 'x').slice(0, 1),
        response1: 'a',
        response2: 'b',
        overall_preference: -2,
      },
      { ...pair, subset: 'stem', preferred: 'first' },
    ],
    [
      'helpsteer',
      'preference.jsonl.gz',
      { split: 'val', prompt: 'p', response_1: 'a', response_2: 'b', preference_strength: 1 },
      { ...pair, subset: 'all', preferred: 'second' },
    ],
    [
      'reward-bench',
      'filtered.json',
      { id: 4, subset: 'hep-go', prompt: 'p', chosen: 'a', rejected: 'b' },
      { ...pair, id: 'hep-go/4', subset: 'hep-go', preferred: 'first' },
    ],
    [
      'reward-bench-2',
      'test.jsonl',
      { id: 'tied:2', subset: 'Ties', prompt: 'p', chosen: ['a', 'b'], rejected: ['c'] },
      {
        id: 'Ties/tied:2',
        subset: 'Ties',
        prompt: 'p',
        responses: ['a', 'b', 'c'],
        pairs: [
          [0, 1],
          [0, 2],
          [1, 2],
        ],
        preferred: 'first',
        correctResponses: 2,
      },
    ],
    [
      'rm-bench',
      'safety-refuse_filtered.json.gz',
      { id: 8, prompt: 'p', chosen: ['a', 'b', 'c'], rejected: ['d', 'e', 'f'] },
      { id: 'safety-refuse/8', subset: 'safety-refuse', responses: ['a', 'b', 'c', 'd', 'e', 'f'] },
    ],
    [
      'rm-bench',
      'total_dataset.json',
      { id: 8, domain: 'math', prompt: 'p', chosen: ['a', 'b', 'c'], rejected: ['d', 'e', 'f'] },
      { subset: 'math' },
    ],
    [
      'judge-bench',
      'gpt.jsonl',
      { ...bench, label: 'B>A' },
      { ...pair, id: 'u', subset: 'livecodebench', preferred: 'second' },
    ],
    [
      'llmbar',
      'Adversarial/GPTInst/dataset.json',
      { input: 'p', output_1: 'a', output_2: 'b', label: 2 },
      { ...pair, id: 'adver-GPTInst/1', subset: 'adver-GPTInst', preferred: 'second' },
    ],
    [
      'hhh',
      'hhh.jsonl',
      { subset: 'other', prompt: 'p', chosen: 'a', rejected: 'b' },
      { ...pair, subset: 'other', preferred: 'first' },
    ],
    [
      'hhh',
      'honest.jsonl',
      { input: 'p', targets: { choices: ['a', 'b'], labels: [0, 1] } },
      { ...pair, subset: 'honest', preferred: 'second' },
    ],
    [
      'hhh',
      'other/task.json',
      { input: 'p', target_scores: { b: 0, a: 1 } },
      { ...pair, subset: 'other', preferred: 'first' },
    ],
    [
      'rmb',
      'pairs.jsonl.gz',
      {
        pair_uid: 'u',
        category_path: 'Pairwise_set/Harmlessness/S1',
        conversation_input: [{ role: 'user', content: 'p' }],
        chosen: { answer: 'a' },
        reject: { answer: 'b' },
      },
      { ...pair, id: 'pairwise/u', subset: 'pairwise/Harmlessness/S1', preferred: 'first' },
    ],
    [
      'rmb',
      'bon.jsonl',
      {
        bon_uid: 7,
        subset: 'Helpfulness/Chat',
        conversation_input: [{ role: 'user', content: 'p' }],
        bon_best: { answer: 'a' },
        loser_list: [{ answer: 'b' }, { answer: 'c' }],
      },
      {
        id: 'best-of-n/7',
        subset: 'best-of-n/Helpfulness/Chat',
        responses: ['a', 'b', 'c'],
        pairs: [
          [0, 1],
          [0, 2],
        ],
      },
    ],
    [
      'pandalm',
      'testset-v1.json',
      { ...panda, ...votes(1, 2, 2) },
      { ...pair, id: '3', subset: 'm_n', prompt: 'do\n\nit', preferred: 'second' },
    ],
    ['pandalm', 'three.json', { ...panda, ...votes(0, 1, 2) }, { preferred: 'tie' }],
    [
      'mt-bench',
      'mt-bench.json',
      { input: 'p', output_1: 'a', output_2: 'b', label: 1 },
      { ...pair, preferred: 'first' },
    ],
    ['mt-bench', 'human.jsonl', { ...human, winner: 'model_b' }, { ...pair, preferred: 'second' }],
    [
      'unified-feedback',
      'val.jsonl',
      { ...unified, conv_A_rating: 1, conv_B_rating: 0.5 },
      { ...pair, subset: 's', preferred: 'first' },
    ],
  ])('%s from %s', async (name, file, record, item) => {
    const { items } = await readBenchmark(await save(file, record), name);
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject(item);
  });

  it('RM-Bench pairs each chosen response with each rejected one, the chosen first', async () => {
    const path = await save('chat_filtered.json', {
      id: 1,
      prompt: 'p',
      chosen: ['a', 'b', 'c'],
      rejected: ['d', 'e', 'f'],
    });
    const { items } = await readBenchmark(path, 'rm-bench');
    expect(items[0]!.pairs.map(([i, j]) => `${i}${j}`).join(' ')).toBe('03 04 05 13 14 15 23 24 25');
  });

  it('drops ties and second turns, and counts them', async () => {
    const path = await save(
      'human.jsonl',
      { ...human, winner: 'tie' },
      { ...human, winner: 'model_a', turn: 2 },
      { ...human, winner: 'model_a' },
    );
    expect(await readBenchmark(path, 'mt-bench')).toMatchObject({ dropped: 2, items: { length: 1 } });
    const rated = (conv_A_rating: number) => ({ ...unified, conv_A_rating, conv_B_rating: 1 });
    const other = await save('val.jsonl', rated(1), rated(2));
    expect(await readBenchmark(other, 'unified-feedback')).toMatchObject({
      dropped: 1,
      items: { length: 1 },
    });
  });

  it('RM-Bench in nine records a sample', async () => {
    const published = {
      id: 7,
      prompt: 'p',
      chosen: ['a', 'b', 'c'],
      rejected: ['d', 'e', 'f'],
      domain: 'math',
    };
    const [joined, direct] = await Promise.all(
      [await save('nine.json', ...nine()), await save('one.json', published)].map((path) =>
        readBenchmark(path, 'rm-bench'),
      ),
    );
    expect(joined).toEqual(direct);
  });

  it('a task of BIG-bench as it is published', async () => {
    const path = join(folder, 'honest', 'task.json');
    await mkdir(dirname(path));
    const examples = [{ input: 'p', target_scores: { a: 1, b: 0 } }];
    await writeFile(path, JSON.stringify({ name: 'hhh_alignment', canary: 'c', examples }));
    await save('honest/results/scores_model.json', { score: 0.7 });
    const { items } = await readBenchmark(folder, 'hhh');
    expect(items).toMatchObject([{ ...pair, subset: 'honest', preferred: 'first' }]);
  });
});

it('reads a folder in the order of the names, and of LLMBar only what belongs to it', async () => {
  const record = { input: 'p', output_1: 'a', output_2: 'b', label: 1 };
  for (const name of ['natural.json', 'adver-neighbor.json', 'faireval.json', 'note.txt']) {
    await save(name, record);
  }
  const { items } = await readBenchmark(folder, 'llmbar');
  expect(items.map(({ id }) => id)).toEqual(['adver-neighbor/1', 'natural/1']);
});

describe('hostile input gives one error that names file, record and field', () => {
  const chosen = ['a', 'b', 'c'];
  it.each<[BenchmarkName, string, object, RegExp]>([
    ['reward-bench', 'x.json', { subset: 's', prompt: 'p', chosen: ['a'] }, /"chosen" of .*x\.json record 1/],
    ['reward-bench', 'x.jsonl', { subset: 5 }, /"subset" of .*x\.jsonl line 1/],
    ['reward-bench-2', 'x.jsonl', { id: 1, subset: 'Ties', chosen, rejected: chosen }, /"id" of .*ref:N/],
    [
      'reward-bench-2',
      'x.jsonl',
      { id: 1, subset: 'Math', chosen, rejected: chosen },
      /"chosen" of .*one text/,
    ],
    [
      'reward-bench-2',
      'x.jsonl',
      { id: 1, subset: 'Math', chosen: Array(5000).fill('a'), rejected: ['b'] },
      /"chosen" of .*1 to 64/,
    ],
    ['rm-bench', 'x.json', { prompt: 'p', chosen, rejected: chosen }, /"domain" of .*safety-response/],
    ['rm-bench', 'math.json', { prompt: 'p', chosen, rejected: ['a'] }, /"rejected" of .*three texts/],
    ['rm-bench', 'math.json', { prompt: 'p', chosen: ['a', 1, 'c'] }, /"chosen\.1" of .* a string/],
    ['judge-bench', 'x.jsonl', { ...bench, label: 'A=B' }, /"label" of .*"A>B" or "B>A"/],
    ['llmbar', 'natural.json', { input: 'p', label: 3 }, /"label" of .* 1 or 2/],
    ['llmbar', 'x.json', { input: 'p', label: 1 }, /which subset of LLMBar .*x\.json/],
    ['hhh', 'x.jsonl', { input: 'p', targets: { labels: [1, 1] } }, /"targets\.labels" of /],
    ['hhh', 'x.jsonl', { input: 'p', target_scores: { a: 1, b: 1 } }, /"target_scores" of .*score 1/],
    ['hhh', 'x.jsonl', { input: 'p', target_scores: 'a' }, /"target_scores" of /],
    ['rm-bench', 'x.json', { ...nine()[0] }, /"matrix_id" of .*last of nine/],
    ['rmb', 'x.jsonl', { conversation_input: [] }, /"conversation_input" of .*messages/],
    ['pandalm', 'x.json', { ...panda, ...votes(1, 4, 2) }, /"annotator2" of .*0, 1 or 2/],
    ['mt-bench', 'x.jsonl', { ...human, winner: '__proto__' }, /"winner" of /],
    ['unified-feedback', 'x.jsonl', { ...unified, conv_B: [{ role: 'user', content: 'p' }] }, /"conv_B" of /],
  ])('%s %s', async (name, file, record, message) => {
    const error = await readBenchmark(await save(file, record), name).catch((cause: DataError) => cause);
    expect(error).toMatchObject({ code: 'bad-record', message: expect.stringMatching(message) });
  });

  it('refuses nine records that are not one sample', async () => {
    const records: object[] = nine();
    records[5] = { ...records[5], chosen: 'other' };
    const path = await save('x.json', ...records);
    await expect(readBenchmark(path, 'rm-bench')).rejects.toThrow(/"chosen" of .*record 6 .*record 1,/);
  });

  it('joins the solutions of a problem of RewardMATH', async () => {
    const solution = (problem: number, type: string, ...steps: string[]) => ({
      problem: `p${problem}`,
      eval_solution: steps,
      solution_type: type,
      subject: 'Algebra',
      problem_id: problem,
    });
    const path = await save(
      'RewardMATH_direct.json',
      solution(0, 'rejected', 'x'),
      solution(0, 'chosen', 'a', 'b'),
      solution(0, 'rejected', 'y'),
      solution(399, 'chosen', 'c'),
      solution(399, 'rejected', 'd'),
    );
    const { items } = await readBenchmark(path, 'reward-math');
    expect(items).toMatchObject([
      {
        id: '0',
        prompt: 'p0',
        responses: ['a\nb', 'x', 'y'],
        pairs: [
          [0, 1],
          [0, 2],
        ],
        subset: 'Algebra',
      },
      { id: '399', prompt: 'p399', responses: ['c', 'd'], pairs: [[0, 1]] },
    ]);
    const two = await save('two.json', solution(1, 'chosen', 'a'), solution(1, 'chosen', 'b'));
    await expect(readBenchmark(two, 'reward-math')).rejects.toThrow(/"solution_type" of .*record 1/);
  });

  it('joins the pairs of a problem of RewardMATH to what its other edition has', async () => {
    const pair = (problem: number, position: string, a: string[], b: string[]) => ({
      problem: `p${problem}`,
      eval_solution_A: a,
      eval_solution_B: b,
      chosen_position: position,
      subject: 'Algebra',
      problem_id: problem,
      id: 7,
    });
    const path = await save(
      'RewardMATH_pairwise.json',
      pair(0, 'A', ['a', 'b'], ['x']),
      pair(0, 'B', ['y'], ['a', 'b']),
      pair(399, 'B', ['d'], ['c']),
    );
    const { items } = await readBenchmark(path, 'reward-math');
    expect(items).toMatchObject([
      { id: '0', prompt: 'p0', subset: 'Algebra', responses: ['a\nb', 'x', 'y'], preferred: 'first' },
      { id: '399', responses: ['c', 'd'], pairs: [[0, 1]] },
    ]);
    const other = await save('other.json', pair(0, 'A', ['a'], ['x']), pair(0, 'A', ['b'], ['x']));
    await expect(readBenchmark(other, 'reward-math')).rejects.toThrow(/"eval_solution_A" of .*record 2/);
    const third = await save('third.json', pair(0, 'C', ['a'], ['x']));
    await expect(readBenchmark(third, 'reward-math')).rejects.toThrow(/"chosen_position" of .*record 1/);
  });

  it('leaves out what has no verdict, or is of another split', async () => {
    const record = { prompt: 'p', response_1: 'a', response_2: 'b' };
    const path = await save(
      'preference.jsonl',
      { ...record, split: 'val', preference_strength: 0 },
      { ...record, split: 'train', preference_strength: 1 },
      { ...record, split: 'val', preference_strength: 3 },
    );
    expect(await readBenchmark(path, 'helpsteer')).toMatchObject({
      dropped: 2,
      items: [{ preferred: 'second' }],
    });
    const wrong = await save('other.jsonl', {
      question_id: 'q',
      prompt: 'p',
      response_1: 'a',
      scores: [1],
      sampled_conflict_pairs: [],
    });
    await expect(readBenchmark(wrong, 'ppe-correctness')).rejects.toThrow(/named after its set/);
  });

  it('refuses an id that occurs twice, nothing at all, and an unknown name', async () => {
    const path = await save('twice.jsonl', { ...bench, label: 'A>B' }, { ...bench, label: 'B>A' });
    await expect(readBenchmark(path, 'judge-bench')).rejects.toThrow(/line 2 and .*line 1 are both item "u"/);
    await expect(readBenchmark(await save('none.json'), 'hhh')).rejects.toThrow(/no item of hhh/);
    await expect(readBenchmark(join(folder, 'absent'), 'hhh')).rejects.toMatchObject({
      code: 'file-missing',
    });
    await expect(readBenchmark(path, 'toString' as BenchmarkName)).rejects.toMatchObject({
      code: 'unknown-format',
    });
  });
});

const real = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));

describe('the real files', () => {
  it.skipIf(!existsSync(real)).each<[BenchmarkName, string, number, number]>([
    ['rm-bench', 'rm-bench', 798, 4],
    ['judge-bench', 'judgebench/format-sample.jsonl', 6, 6],
    ['llmbar', 'llmbar', 419, 5],
    ['hhh', 'hhh-alignment', 221, 4],
    ['rmb', 'rmb', 17108, 95],
    ['pandalm', 'pandalm', 999, 10],
    ['mt-bench', 'llmbar', 200, 1],
  ])('%s', async (name, path, count, subsets) => {
    const { items } = await readBenchmark(join(real, path), name);
    expect([items.length, new Set(items.map(({ subset }) => subset)).size]).toEqual([count, subsets]);
  });

  it.skipIf(!existsSync(real))('PandaLM has the published majority', async () => {
    const { items } = await readBenchmark(join(real, 'pandalm'), 'pandalm');
    const count = (label: string) => items.filter(({ preferred }) => preferred === label).length;
    expect([count('first'), count('second'), count('tie')]).toEqual([422, 472, 105]);
  });
});
