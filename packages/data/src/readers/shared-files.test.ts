import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRecords } from '../files/read-records.js';
import type { FormatName } from '../formats/index.js';
import { readData } from './any.js';
import { readDemonstrations } from './demonstrations.js';
import type { Reading } from './options.js';
import { readPreferences } from './preferences.js';
import { readResponsePairs } from './responses.js';
import { readLabeledResponses, readPrompts } from './singles.js';

const real = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));

/** The reader of a file, its format, the number of its records, and the counts of those that are left out. */
type Row = readonly [
  file: string,
  read: (path: string) => Reading<unknown>,
  format: FormatName,
  records: number,
  dropped?: Readonly<Record<string, number>>,
  items?: number,
];

const pairs = (path: string) => readPreferences(path);
const responses = (path: string) => readResponsePairs(path);
const demonstrations = (path: string) => readDemonstrations(path);
const labels = (path: string) => readLabeledResponses(path);
const prompts = (path: string) => readPrompts(path);
const any = (path: string) => readData(path);
/** A prompt alone, of records that benchmarks read whole. */
const promptsOf = (prompt: string) => (path: string) =>
  readPrompts(path, { format: 'prompts', columns: { prompt } });

/** The numbers of records are those that the notes on the files state. */
const rows: readonly Row[] = [
  ['hh-rlhf/helpful-base.jsonl.gz', pairs, 'hh-rlhf', 1852, { 'empty-response': 4 }],
  ['hh-rlhf/harmless-base.jsonl.gz', pairs, 'hh-rlhf', 1812, { 'empty-response': 4 }],
  ['rmb/pairwise-helpfulness.jsonl.gz', pairs, 'rmb', 7955, { 'equal-responses': 4 }],
  ['rmb/pairwise-harmlessness.jsonl.gz', pairs, 'rmb', 5583, { 'equal-responses': 7, 'empty-response': 2 }],
  ['rmb/best-of-n.jsonl.gz', pairs, 'rmb-best-of-n', 3570, { tie: 1 }],
  [
    'ultrafeedback-sample/train.jsonl.gz',
    pairs,
    'ultrafeedback',
    1000,
    { 'equal-responses': 4, 'empty-response': 2 },
  ],
  ['ultrafeedback-sample/eval.jsonl.gz', pairs, 'ultrafeedback', 200, { 'equal-responses': 1 }],
  ['sumllm-cnndm/gpt4-ranked.train.jsonl.gz', pairs, 'sumllm', 500, {}, 14_000],
  ['webgpt/comparisons.jsonl.gz', pairs, 'webgpt', 901, { tie: 245 }],
  ['llamafactory-demo/dpo_en_demo.json.gz', pairs, 'sharegpt-pairs', 300],
  ['llamafactory-demo/kto_en_demo.json.gz', labels, 'kto', 300],
  ['topical-chat/human-ratings.jsonl.gz', pairs, 'unieval', 360],
  ['alpaca-eval/responses.jsonl.gz', any, 'outputs', 805],
  ['arena-hard/responses.jsonl.gz', responses, 'outputs', 500],
  ['dsp/domain-responses.jsonl.gz', responses, 'outputs', 661, { 'equal-responses': 3 }],
  [
    'sumllm-cnndm/gpt3-gpt4-summaries.jsonl.gz',
    (path) =>
      readResponsePairs(path, {
        columns: { prompt: 'article', chosen: 'gpt4_summary', rejected: 'gpt3_summary' },
      }),
    'preference',
    1000,
  ],
  ['llmbar/natural.json', pairs, 'llmbar', 100],
  ['llmbar/adver-neighbor.json', pairs, 'llmbar', 134],
  ['llmbar/adver-GPTInst.json', pairs, 'llmbar', 92],
  ['llmbar/adver-GPTOut.json', pairs, 'llmbar', 47],
  ['llmbar/adver-manual.json', pairs, 'llmbar', 46],
  ['llmbar/mt-bench.json', pairs, 'llmbar', 200],
  ['llmbar/faireval.json', pairs, 'llmbar', 66],
  ['llmbar/llmeval2.json', pairs, 'llmbar', 200, { 'equal-responses': 1, 'empty-response': 1 }],
  ['rm-bench/chat_filtered.json.gz', promptsOf('prompt'), 'prompts', 129],
  ['rm-bench/code_filtered.json.gz', promptsOf('prompt'), 'prompts', 228],
  ['rm-bench/safety-refuse_filtered.json.gz', promptsOf('prompt'), 'prompts', 284],
  ['rm-bench/safety-response_filtered.json.gz', promptsOf('prompt'), 'prompts', 157],
  ['pandalm/testset-v1.json.gz', pairs, 'pandalm', 999, { tie: 105, 'empty-response': 52 }],
  ['hhh-alignment/hhh.jsonl', pairs, 'preference', 221],
  ['xstest/xstest_prompts.csv', prompts, 'prompts', 450],
  ['xstest/completions.jsonl.gz', demonstrations, 'demonstration', 2250],
  ['xstest/pairs.derived.jsonl.gz', pairs, 'preference', 976],
  ['judgebench/format-sample.jsonl', promptsOf('question'), 'prompts', 6],
  ['llamafactory-demo/alpaca_en_demo.json.gz', demonstrations, 'alpaca', 1000],
  ['prompts/fastchat/mt_bench-question.jsonl', prompts, 'fastchat', 80],
  ['prompts/fastchat/vicuna_bench-question.jsonl', prompts, 'fastchat', 80],
  ['prompts/self-instruct/seed_tasks.jsonl', demonstrations, 'self-instruct', 175],
  ['prompts/self-instruct/user_oriented_instructions.jsonl', demonstrations, 'self-instruct', 252],
  ['text/c4_demo.jsonl.gz', any, 'text', 300],
];

/** Files without a prompt or without texts, which are joined with others by id: their records are read as they are. */
const plain: readonly (readonly [file: string, records: number])[] = [
  ['alpaca-eval/gpt4-labels.jsonl.gz', 28_948],
  ['prompts/fastchat/mt_bench-reference_answer-gpt-4.jsonl', 30],
  ['prompts/fastchat/judge_prompts.jsonl', 8],
];

/** Files that hold no records. */
const NOT_RECORDS = /^(?:README\.md|text\/wiki_demo\.txt\.gz|models\/.*)$/;

describe.skipIf(!existsSync(real))('every file of the real data', () => {
  it.each(rows.map((row) => [row[0], row] as const))('%s', async (_, row) => {
    const [file, read, format, records, dropped = {}, items] = row;
    const reading = read(join(real, file));
    let count = 0;
    for await (const _ of reading) count++;
    expect(reading.format).toBe(format);
    expect({ read: reading.counts.read, dropped: reading.counts.dropped }).toEqual({
      read: records,
      dropped,
    });
    expect(count).toBe(reading.counts.items);
    if (items !== undefined) expect(count).toBe(items);
  });

  it.each(plain)('%s', async (file, records) => {
    let count = 0;
    for await (const _ of readRecords(join(real, file))) count++;
    expect(count).toBe(records);
  });

  it('is one of these', () => {
    const files = readdirSync(real, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(real, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .filter((file) => !NOT_RECORDS.test(file));
    expect(files.sort()).toEqual([...rows, ...plain].map(([file]) => file).sort());
  });
});

const field = fileURLToPath(new URL('../../../../../shared/field/data/', import.meta.url));

describe.skipIf(!existsSync(field))('every file from the field', () => {
  // They are read like others; what matters is what training makes of them.
  it.each([
    ['40-same-after-cut.jsonl', pairs, 'preference'],
    ['41-sft-long.jsonl', demonstrations, 'demonstration'],
  ] as const)('%s', async (file, read, format) => {
    const reading = read(join(field, file));
    for await (const _ of reading);
    expect(reading).toMatchObject({ format, counts: { read: 32, kept: 32 } });
  });

  it('is one of these, or a row of the test of shapes', () => {
    const source = readFileSync(new URL('shapes.test.ts', import.meta.url), 'utf8');
    const others = readdirSync(field).filter(
      (name) => !source.includes(`data/${name.replace('.jsonl', '')}`),
    );
    expect(others.sort()).toEqual(['40-same-after-cut.jsonl', '41-sft-long.jsonl']);
  });
});
