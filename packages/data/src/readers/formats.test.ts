import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeJsonl } from '../files/write-jsonl.js';
import { type FormatName, formatNames } from '../formats/index.js';
import { everyNth } from '../pipeline/sample.js';
import { createPipeline } from '../pipeline/step.js';
import { readDemonstrations } from './demonstrations.js';
import { describeCounts, readingNotes } from './describe.js';
import { readPreferences } from './preferences.js';
import { readResponsePairs } from './responses.js';
import { readPrompts } from './singles.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-formats-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function gather<Item>(reading: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of reading) items.push(item);
  return items;
}

async function save(...records: object[]): Promise<string> {
  const path = join(folder, 'records.jsonl');
  await writeJsonl(path, records);
  return path;
}

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const pair = { prompt: 'p', chosen: 'a', rejected: 'b' };
const long = [user('hi'), assistant('yes?'), user('p')];

// The records have the fields of the published files, without those that no reader needs.
describe('published formats are recognized by their fields', () => {
  it.each<[FormatName, object, object]>([
    [
      'rmb-best-of-n',
      {
        bon_uid: 'u',
        subset: 'Helpfulness/Chat',
        conversation_input: [user('p')],
        bon_best: { llm_name: 'm', answer: 'a' },
        loser_list: [{ llm_name: 'n', answer: 'b' }],
      },
      { ...pair, id: 'u', family: 'Helpfulness/Chat' },
    ],
    [
      'pandalm',
      {
        idx: 5,
        instruction: 'p',
        input: '',
        response1: true,
        response2: 'a',
        annotator1: 2,
        annotator2: 0,
        annotator3: 2,
      },
      { ...pair, id: '5', rejected: 'True' },
    ],
    [
      'unified-feedback',
      {
        conv_A: [user(' A post. '), assistant('b')],
        conv_B: [user(' A post. '), assistant('a')],
        conv_A_rating: 0,
        conv_B_rating: 1,
        source: 'openai/summarize_from_feedback(comparisons)',
      },
      { ...pair, prompt: 'Generate one-sentence summary for the following post: A post.' },
    ],
    ['shp', { post_id: 'x', history: 'p', human_ref_A: 'b', human_ref_B: 'a', labels: 0 }, pair],
    [
      'shp',
      { history: 'p', human_ref_A: 'a', human_ref_B: 'b', labels: 1, domain: 'd' },
      { ...pair, family: 'd' },
    ],
    [
      'summarize-from-feedback',
      {
        info: { id: 't3', post: 'I ran.', title: 'Run', subreddit: 'running', article: null },
        summaries: [{ text: 'b' }, { text: 'a' }],
        choice: 1,
      },
      { ...pair, prompt: 'SUBREDDIT: r/running\n\nTITLE: Run\n\nPOST: I ran.\n\nTL;DR:' },
    ],
    [
      'summarize-from-feedback',
      { info: { article: 'News.' }, summaries: [{ text: 'a' }, { text: 'b' }], choice: 0 },
      { ...pair, prompt: 'Article: News.\n\nTL;DR:' },
    ],
    [
      'nectar',
      {
        prompt: '\n\nHuman: hi\n\nAssistant: yes?\n\nHuman: p\n\nAssistant: ',
        answers: [
          { answer: 'b', model: 'm', rank: 2 },
          { answer: 'a', model: 'n', rank: 1 },
        ],
      },
      { ...pair, prompt: long },
    ],
    [
      'webgpt',
      { question: { id: 'q1', full_text: 'p' }, answer_0: 'b', answer_1: 'a', score_0: -0.5, score_1: 0.5 },
      { ...pair, id: 'q1', margin: 1 },
    ],
    [
      'helpsteer2',
      { prompt: 'p', response_1: 'a', response_2: 'b', preference_strength: -2 },
      { ...pair, margin: 2 },
    ],
    [
      'helpsteer3',
      { domain: 'code', context: long, response1: 'b', response2: 'a', overall_preference: 3 },
      { ...pair, prompt: long, margin: 3, family: 'code' },
    ],
    [
      'arena',
      {
        question_id: 'q',
        winner: 'model_b',
        conversation_a: [user('p'), assistant('b'), user('more'), assistant('c')],
        conversation_b: [user('p'), assistant('a'), user('more'), assistant('d')],
      },
      {
        id: 'q',
        prompt: 'p',
        chosen: [assistant('a'), user('more'), assistant('d')],
        rejected: [assistant('b'), user('more'), assistant('c')],
      },
    ],
    [
      'arena',
      {
        id: 7,
        prompt: '["hi","p"]',
        response_a: '["yes?","b"]',
        response_b: '["yes?","a"]',
        winner_model_a: 0,
        winner_model_b: 1,
        winner_tie: 0,
      },
      { ...pair, id: '7', prompt: long },
    ],
    ['arena', { prompt: 'p', response_1: 'a', response_2: 'b', winner: 'model_a' }, pair],
    [
      'auto-j',
      { scenario: 's', prompt: 'p', 'response 1': 'b', 'response 2': 'a', label: 1 },
      { ...pair, family: 's' },
    ],
    [
      'alpaca-farm',
      { instruction: 'p', input: 'i', output_1: 'b', output_2: 'a', preference: 2 },
      { ...pair, prompt: 'p\n\ni' },
    ],
    [
      'alpaca-farm',
      { instruction: 'p', output_1: 'a', generator_1: 'm', output_2: 'b', preference: 1.0001, dataset: 'd' },
      { ...pair, family: 'd' },
    ],
    [
      'sumllm',
      {
        article: 'News.',
        candidates: [
          { summary: 'b', rank_score: 1 },
          { summary: 'a', rank_score: 8 },
        ],
      },
      { ...pair, prompt: 'Summarize the following article.\n\nNews.', margin: 7 },
    ],
    ['orca', { system: '', input: 'p', chosen: 'a', rejected: 'b', generations: [] }, pair],
    ['alpaca-pairs', { instruction: 'p', chosen_response: 'a', rejected_response: 'b' }, pair],
    [
      'ultrafeedback',
      {
        source: 's',
        prompt: 'p',
        chosen: [...long, assistant('a')],
        rejected: [...long, assistant('b')],
        rating_chosen: 5,
        rating_rejected: 3,
      },
      { ...pair, prompt: long, margin: 2 },
    ],
    [
      'ultrafeedback',
      { prompt: 'p', chosen: 'a', 'chosen-rating': 5, rejected: 'b', 'rejected-rating': 4 },
      { ...pair, margin: 1 },
    ],
  ])('%s, %#', async (format, record, item) => {
    const reading = readPreferences(await save(record), { margins: true });
    expect(await gather(reading)).toEqual([expect.objectContaining(item)]);
    expect(reading.format).toBe(format);
  });

  it.each<[object]>([
    [{ prompt: 'p', response_1: 'a', response_2: 'b', preference_strength: 0 }],
    [{ context: 'p', response1: 'a', response2: 'b', overall_preference: 0 }],
    [
      {
        winner: 'tie (bothbad)',
        conversation_a: [user('p'), assistant('a')],
        conversation_b: [user('p'), assistant('b')],
      },
    ],
    [{ prompt: 'p', 'response 1': 'a', 'response 2': 'b', label: 2 }],
    [{ instruction: 'p', output_1: 'a', output_2: 'b', preference: 1.5 }],
    [{ prompt: 'p', responses: ['a', 'b'], scores: [1, 1] }],
  ])('a tie gives nothing, %#', async (record) => {
    const reading = readPreferences(await save(record));
    expect(await gather(reading)).toEqual([]);
    expect(reading.counts).toMatchObject({ read: 1, kept: 0, dropped: { tie: 1 } });
  });

  it('joins the ratings of HelpSteer 2 that have one prompt', async () => {
    const rated = (prompt: string, response: string, helpfulness: unknown) => ({
      prompt,
      response,
      helpfulness,
      verbosity: 2,
    });
    const path = await save(
      rated('p', 'b', 1),
      rated('p', 'a', 4),
      rated('q', 'x', 2),
      rated('r', 'x', 2),
      rated('r', 'y', 2),
      rated('s', 'x', 'high'),
      rated('s', 'y', 0),
    );
    const reading = readPreferences(path, { margins: true, maxBadRecords: 2 });
    expect(await gather(reading)).toEqual([{ id: '1', ...pair, margin: 3 }]);
    expect(reading.format).toBe('helpsteer2-ratings');
    expect(reading.counts).toMatchObject({
      read: 7,
      kept: 2,
      dropped: { tie: 3, 'bad-record': 2 },
      items: 1,
    });
    await expect(gather(readPreferences(path, { maxBadRecords: 1 }))).rejects.toThrow(
      `field "records.0.helpfulness" of ${path} line 6 is not a number`,
    );
    const best = await gather(readDemonstrations(await save(rated('p', 'b', 1), rated('p', 'a', 4))));
    expect(best).toEqual([{ id: '1', prompt: 'p', response: 'a' }]);
  });

  it('drops the ties of Unified-Feedback, of whose pairs every 20th is the subset of 40k', async () => {
    const rated = (n: number) => ({
      conv_A: [user(`p${n}`), assistant('a')],
      conv_B: [user(`p${n}`), assistant('b')],
      conv_A_rating: n % 4,
      conv_B_rating: 0,
    });
    const path = await save(...Array.from({ length: 80 }, (_, n) => rated(n)));
    const subset = createPipeline(readPreferences(path), [everyNth(20)]);
    // Every 4th is a tie, so the 21st pair is record 28.
    expect((await gather(subset)).map(({ id }) => id)).toEqual(['2', '28', '55']);
  });

  it('reads outputs of AlpacaEval, and the conversations of the pairs of Capybara', async () => {
    const output = { dataset: 'helpful_base', instruction: 'p', output: 'a', generator: 'm' };
    const outputs = readDemonstrations(await save(output));
    expect(await gather(outputs)).toEqual([expect.objectContaining({ prompt: 'p', response: 'a' })]);
    expect(outputs.format).toBe('alpaca');
    const rated = {
      source: 's',
      conversation: [{ input: 'p', output: 'a' }],
      original_response: 'a',
      chosen: [...long, assistant('a')],
      rejected: [...long, assistant('b')],
      rating_chosen: 5,
      rating_rejected: 4,
    };
    const reading = readPreferences(await save(rated), { margins: true });
    expect(await gather(reading)).toEqual([expect.objectContaining({ ...pair, prompt: long, margin: 1 })]);
    expect(reading.format).toBe('ultrafeedback');
  });

  it('reads demonstrations of Capybara, and the best of several', async () => {
    const exchanges = [
      { input: 'hi', output: 'yes?' },
      { input: 'p', output: 'a' },
    ];
    const reading = readDemonstrations(await save({ source: 's', conversation: exchanges }));
    expect(await gather(reading)).toEqual([{ id: '1', prompt: long, response: 'a', family: 's' }]);
    expect(reading.format).toBe('capybara');
  });

  it('joins the outputs of UniEval that have one source', async () => {
    const rated = (source: string, output: string, overall: number) => ({
      source,
      context: 'A fact.',
      system_id: 'm',
      system_output: output,
      scores: { coherence: 1, overall },
    });
    const path = await save(
      rated('p \n', 'b\n', 1),
      rated('p \n', 'a', 4.5),
      rated('q', 'c', 2),
      rated('q', 'd', 2),
    );
    const reading = readPreferences(path);
    expect(await gather(reading)).toEqual([expect.objectContaining({ ...pair, id: '1' })]);
    expect(reading).toMatchObject({ format: 'unieval', counts: { read: 4, kept: 2, dropped: { tie: 2 } } });
  });

  it('reads tasks of Self-Instruct and questions of FastChat', async () => {
    const task = (input: string) => ({ id: 't', instruction: 'Do it.', instances: [{ input, output: 'r' }] });
    expect(await gather(readDemonstrations(await save(task(''), task('With this.'))))).toEqual([
      { id: 't', prompt: 'Do it.', response: 'r' },
      { id: 't', prompt: 'Do it.\n\nWith this.', response: 'r' },
    ]);
    const questions = readPrompts(
      await save({ question_id: 81, category: 'math', turns: ['p', 'And now?'] }),
    );
    expect(await gather(questions)).toEqual([{ id: '81', prompt: 'p', family: 'math' }]);
  });

  it('reads prompts of records with and without responses', async () => {
    const path = await save({ prompt: 'p', id: 'x' });
    expect(await gather(readPrompts(path))).toEqual([{ id: 'x', prompt: 'p' }]);
    expect(await gather(readPrompts(await save(pair)))).toEqual([{ id: '1', prompt: 'p' }]);
    expect(await gather(readPrompts(await save({ messages: long })))).toEqual([{ id: '1', prompt: long }]);
  });

  it('takes lists with empty responses, which are counted', async () => {
    const reading = readResponsePairs(await save({ prompt: 'p', responses: ['a', '', 'b'] }), {
      pairsPerPrompt: 9,
    });
    expect(await gather(reading)).toHaveLength(1);
    expect(reading.counts).toMatchObject({ read: 1, kept: 1, items: 1, emptyResponses: 1 });
  });
});

describe('what cannot be recognized or read', () => {
  it('names the format that fits in the place of the wrong one', async () => {
    const path = await save({ instruction: 'p', input: 'i', chosen: 'a', rejected: 'b' });
    await expect(gather(readPreferences(path, { format: 'llmbar' }))).rejects.toMatchObject({
      code: 'bad-record',
      hint: expect.stringContaining('use the format alpaca-pairs'),
    });
  });

  it('names the columns of a mapped record, and the fields of an unknown one', async () => {
    const path = await save({ q: 'p', best: { text: 'a' }, worst: 5 });
    const columns = { prompt: 'q', chosen: 'best.text', rejected: 'worst' };
    await expect(gather(readPreferences(path, { columns }))).rejects.toMatchObject({
      message: expect.stringContaining('field "worst" of'),
    });
    await expect(gather(readPreferences(path))).rejects.toMatchObject({
      code: 'unknown-format',
      message: expect.stringContaining('whose fields are "q", "best", "worst"'),
      hint: expect.stringContaining('map its fields with columns'),
    });
    const withDefault = {
      ...columns,
      rejected: { path: 'none', default: 'b' },
      family: { template: '{q}!' },
    };
    expect(await gather(readPreferences(path, { columns: withDefault }))).toEqual([
      { id: '1', ...pair, family: 'p!' },
    ]);
    expect(() => readPreferences(path, { columns: { chosn: 'x' } as object })).toThrow(
      'map the field "chosn"',
    );
    expect(() => readPreferences(path, { columns: {} })).toThrow('map no field');
  });

  it('refuses a system message and a prompt that the conversation contradicts', async () => {
    const conversation = (end: string) => [{ role: 'system', content: 's' }, user('p'), assistant(end)];
    const record = { chosen: conversation('a'), rejected: conversation('b') };
    expect(await gather(readPreferences(await save({ ...record, system: 's' })))).toHaveLength(1);
    await expect(gather(readPreferences(await save({ ...record, system: 't' })))).rejects.toThrow(
      'field "system"',
    );
    await expect(gather(readPreferences(await save({ ...record, prompt: 'q' })))).rejects.toThrow(
      /field "chosen" .* the prompt of "prompt"/,
    );
  });

  it('leaves out lines that are no records, within the bound, and counts them', async () => {
    const path = join(folder, 'bad.jsonl');
    const good = JSON.stringify(pair);
    await writeFile(path, `${good}\n{"prompt": \n[1]\n${good}\n`);
    // A line above the limit.
    await appendFile(path, `{"prompt": "${'x'.repeat(17 * 2 ** 20)}"}\n${good}\n`);
    const places: string[] = [];
    const reading = readPreferences(path, {
      maxBadRecords: 3,
      onDrop: (where, reason, error) => places.push(`${where.slice(-6)} ${reason} ${error?.code}`),
    });
    expect(await gather(reading)).toHaveLength(3);
    expect(places).toEqual([
      'line 2 bad-record bad-json',
      'line 3 bad-record bad-record',
      'line 5 bad-record too-large',
    ]);
    expect(reading.counts).toMatchObject({ read: 6, kept: 3, dropped: { 'bad-record': 3 } });
    expect(describeCounts(reading.counts)).toBe('6 records read, 3 kept, 3 dropped (3 bad record)');
    expect(readingNotes(reading, false)).toEqual([
      expect.stringMatching(/^recognized the format preference, /),
    ]);
    await expect(gather(readPreferences(path, { maxBadRecords: 2 }))).rejects.toMatchObject({
      code: 'too-large',
      hint: expect.stringContaining('2 bad records were left out before'),
    });
    expect(() => readPreferences(path, { maxBadRecords: 0.5 })).toThrow('maxBadRecords is 0.5');
    expect(() => readPreferences(path, { pairing: 'some' as 'all' })).toThrow('no pairing "some"');
  });

  it('does not skip what concerns the whole file', async () => {
    const path = join(folder, 'cut.jsonl.gz');
    const whole = gzipSync(`${JSON.stringify(pair)}\n`.repeat(50));
    await writeFile(path, whole.subarray(0, whole.length - 12));
    await expect(gather(readPreferences(path, { maxBadRecords: 100 }))).rejects.toMatchObject({
      code: 'file-unreadable',
    });
  });
});

it('lists every format once in the README', async () => {
  const { readFile } = await import('node:fs/promises');
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const table = readme.slice(readme.indexOf('## Formats'), readme.indexOf('## Limits'));
  expect([...table.matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name)).toEqual(formatNames);
});
