import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conversationText } from '@gram/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeJsonl } from '../files/write-jsonl.js';
import { type PreferenceFormat, readPreferences } from './preferences.js';
import { readResponsePairs } from './responses.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

async function save(...records: object[]): Promise<string> {
  const path = join(folder, 'records.jsonl');
  await writeJsonl(path, records);
  return path;
}

const LONG = [
  { role: 'user', content: 'hi' },
  { role: 'assistant', content: 'yes?' },
  { role: 'user', content: 'p' },
];

describe('readPreferences', () => {
  it.each<[PreferenceFormat, object, object]>([
    [
      'preference',
      { id: 7, prompt: 'p', chosen: 'a', rejected: 'b', subset: 's' },
      { id: '7', prompt: 'p', chosen: 'a', rejected: 'b', family: 's' },
    ],
    [
      'llmbar',
      { input: 'p', output_1: 'b', output_2: 'a', label: 2 },
      { prompt: 'p', chosen: 'a', rejected: 'b' },
    ],
    [
      'preference',
      { subset: 'honest', prompt: 'p', chosen: 'a', rejected: 'b' },
      { id: '1', prompt: 'p', chosen: 'a', rejected: 'b', family: 'honest' },
    ],
    [
      'rmb',
      {
        pair_uid: 'u',
        subset: 's',
        conversation_input: [
          { role: 'user', content: 'hi' },
          { role: 'assistant', content: 'yes?' },
          { role: 'user', content: 'p' },
        ],
        chosen: { answer: 'a' },
        reject: { answer: 'b' },
      },
      {
        id: 'u',
        prompt: LONG,
        chosen: 'a',
        rejected: 'b',
        family: 's',
      },
    ],
    [
      'ultrafeedback',
      {
        chosen: [
          { role: 'user', content: 'p' },
          { role: 'assistant', content: 'a' },
        ],
        rejected: [
          { role: 'user', content: 'p' },
          { role: 'assistant', content: 'b' },
        ],
      },
      { prompt: 'p', chosen: 'a', rejected: 'b' },
    ],
    [
      'webgpt',
      { question: 'p', answers: ['b', 'a'], scores: [-1, 1] },
      { prompt: 'p', chosen: 'a', rejected: 'b', margin: 2 },
    ],
    [
      'preference',
      { prompt: 'p', chosen: 'a', rejected: 'b', margin: 0.5 },
      { prompt: 'p', chosen: 'a', rejected: 'b', margin: 0.5 },
    ],
    [
      'ultrafeedback',
      { prompt: 'p', chosen: 'a', rejected: 'b', score_chosen: 8, score_rejected: 6.5 },
      { prompt: 'p', chosen: 'a', rejected: 'b', margin: 1.5 },
    ],
    [
      'ultrafeedback',
      { prompt: 'p', chosen: 'a', rejected: 'b', metadata: { score_chosen: 9, score_rejected: 9 } },
      { prompt: 'p', chosen: 'a', rejected: 'b', margin: 0 },
    ],
    [
      'hh-rlhf',
      { chosen: '\n\nHuman: p\n\nAssistant: As a', rejected: '\n\nHuman: p\n\nAssistant: As b' },
      { prompt: 'p', chosen: 'As a', rejected: 'As b' },
    ],
    [
      'hh-rlhf',
      {
        chosen: '\n\nHuman: hi\n\nAssistant: yes?\n\nHuman: p\n\nAssistant: a',
        rejected: '\n\nHuman: hi\n\nAssistant: yes?\n\nHuman: p\n\nAssistant: b',
      },
      { prompt: LONG, chosen: 'a', rejected: 'b' },
    ],
  ])('reads %s', async (format, record, pair) => {
    expect(await gather(readPreferences(await save(record), { format, margins: true }))).toEqual([
      expect.objectContaining(pair),
    ]);
  });

  it('counts what it drops', async () => {
    const reasons: string[] = [];
    const path = await save(
      { question: 'p', answers: ['b', 'a'], scores: [1, 1] },
      { question: 'p', answers: ['a', 'a'], scores: [1, 0] },
      { question: 'p', answers: ['a', 'b'], scores: [1, 0] },
    );
    const pairs = await gather(
      readPreferences(path, {
        onDrop: (where, reason) => reasons.push(`${where.slice(-6)} ${reason}`),
      }),
    );
    expect(pairs).toHaveLength(1);
    expect(reasons).toEqual(['line 1 tie', 'line 2 equal-responses']);
  });

  it.each<[PreferenceFormat, object, string]>([
    ['preference', { prompt: 'p', chosen: 'a' }, 'rejected'],
    ['preference', { prompt: 'p', chosen: 1, rejected: 'b' }, 'chosen'],
    ['preference', { prompt: 'p', chosen: 'a', rejected: 'b', margin: -1 }, 'margin'],
    ['preference', { prompt: 'p', chosen: 'a', rejected: 'b', margin: '1' }, 'margin'],
    [
      'ultrafeedback',
      { prompt: 'p', chosen: 'a', rejected: 'b', score_chosen: 1, score_rejected: 2 },
      'score_rejected',
    ],
    ['hh-rlhf', { chosen: 'a', rejected: 'b' }, 'chosen'],
    ['llmbar', { input: 'p', output_1: 'a', output_2: 'b', label: 3 }, 'label'],
    ['ultrafeedback', { chosen: [], rejected: 'b' }, 'chosen'],
    [
      'rmb',
      { conversation_input: [{ role: 'user' }], chosen: {}, reject: {} },
      'conversation_input.0.content',
    ],
    ['webgpt', { question: 'p', answers: ['a'], scores: [1, 0] }, 'answers.1'],
  ])('names the field of a bad %s record', async (format, record, field) => {
    const good = { prompt: 'p', chosen: 'a', rejected: 'b' };
    const path = await save(...(format === 'preference' ? [good] : []), record);
    await expect(gather(readPreferences(path, { format, margins: true }))).rejects.toMatchObject({
      code: 'bad-record',
      message: expect.stringContaining(`field "${field}" of ${path} line ${format === 'preference' ? 2 : 1}`),
    });
  });

  it('lists the formats when it does not know one', () => {
    expect(() => readPreferences('x.jsonl', { format: 'constructor' as PreferenceFormat })).toThrow(
      expect.objectContaining({
        code: 'unknown-format',
        hint: expect.stringContaining('ultrafeedback, orca, preference'),
      }),
    );
  });
});

describe('readResponsePairs', () => {
  const outputs = { id: 'x', instruction: 'p', outputs: { m1: 'a', m2: 'b', m3: 'c', m4: 'a' } };

  it('takes a seeded choice of different pairs', async () => {
    const path = await save(outputs, { ...outputs, outputs: { m1: 'a', m2: 'a' } });
    const lost: string[] = [];
    const read = (seed: number, pairsPerPrompt: number) =>
      gather(readResponsePairs(path, { seed, pairsPerPrompt, onDrop: (where) => lost.push(where) }));
    const every = await read(0, 10);
    expect(every.map(({ responses }) => responses.toSorted().join('')).toSorted()).toEqual([
      'ab',
      'ac',
      'bc',
    ]);
    expect(every.map(({ id }) => id)).toEqual(['x/1', 'x/2', 'x/3']);
    expect(lost).toHaveLength(1);
    expect(await read(3, 1)).toEqual(await read(3, 1));
    const first = await Promise.all(Array.from({ length: 20 }, (_, seed) => read(seed, 1)));
    expect(new Set(first.map(([pair]) => pair?.responses.join(''))).size).toBe(6);
  });

  it('hides the label of judged pairs', async () => {
    const path = await save(
      ...Array.from({ length: 200 }, () => ({ prompt: 'p', chosen: 'good', rejected: 'bad' })),
    );
    const pairs = await gather(readResponsePairs(path));
    const ahead = pairs.filter(({ responses }) => responses[0] === 'good').length;
    expect(Math.abs(ahead - 100)).toBeLessThan(40);
    expect(Object.keys(pairs[0] as object)).not.toContain('chosen');
  });
});

const real = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));

describe('the real files', () => {
  it.skipIf(!existsSync(real)).each<[string, PreferenceFormat, number, Record<string, number>]>([
    ['hh-rlhf/harmless-base.jsonl.gz', 'hh-rlhf', 1812, { 'empty-response': 4 }],
    ['hh-rlhf/helpful-base.jsonl.gz', 'hh-rlhf', 1852, { 'empty-response': 4 }],
    ['llmbar/natural.json', 'llmbar', 100, {}],
    ['llmbar/adver-manual.json', 'llmbar', 46, {}],
    ['hhh-alignment/hhh.jsonl', 'preference', 221, {}],
    [
      'ultrafeedback-sample/train.jsonl.gz',
      'ultrafeedback',
      1000,
      { 'equal-responses': 4, 'empty-response': 2 },
    ],
    ['ultrafeedback-sample/eval.jsonl.gz', 'ultrafeedback', 200, { 'equal-responses': 1 }],
    ['rmb/pairwise-harmlessness.jsonl.gz', 'rmb', 5583, { 'equal-responses': 7, 'empty-response': 2 }],
    ['webgpt/comparisons.jsonl.gz', 'webgpt', 901, { tie: 245 }],
  ])('%s', async (file, format, records, drops) => {
    const dropped: Record<string, number> = {};
    const onDrop = (_: string, reason: string) => {
      dropped[reason] = (dropped[reason] ?? 0) + 1;
    };
    const pairs = await gather(readPreferences(join(real, file), { format, onDrop }));
    expect(dropped).toEqual(drops);
    expect(pairs.length + Object.values(dropped).reduce((sum, n) => sum + n, 0)).toBe(records);
    for (const { prompt } of pairs) expect(conversationText(prompt).trim()).not.toBe('');
  });

  it.skipIf(!existsSync(real)).each([
    ['alpaca-eval/responses.jsonl.gz', 805, 1610],
    ['arena-hard/responses.jsonl.gz', 500, 999],
  ])('%s', async (file, prompts, count) => {
    const path = join(real, file);
    const pairs = await gather(readResponsePairs(path, { pairsPerPrompt: 2 }));
    expect(pairs).toHaveLength(count);
    expect(new Set(pairs.map(({ id }) => id.split('/')[0])).size).toBe(prompts);
    for (const { responses } of pairs) expect(responses[0]).not.toBe(responses[1]);
  });
});
