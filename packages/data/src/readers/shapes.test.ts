import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readDemonstrations } from './demonstrations.js';
import type { Reading } from './options.js';
import { type PreferenceOptions, readPreferences } from './preferences.js';
import { readResponsePairs } from './responses.js';
import { readLabeledResponses, readPrompts } from './singles.js';

const ours = fileURLToPath(new URL('../__fixtures__/shapes/', import.meta.url));
const field = fileURLToPath(new URL('../../../../../shared/field/', import.meta.url));

const pairs = (path: string, options?: PreferenceOptions) => readPreferences(path, options);
const demonstrations = (path: string) => readDemonstrations(path);

/** Everything that a file gives, or the error that ends the reading. */
async function outcome(reading: Reading<unknown>) {
  const items: unknown[] = [];
  const error = await (async () => {
    for await (const item of reading) items.push(item);
  })().catch((reason: unknown) => reason);
  return { items, error, format: reading.format, counts: reading.counts };
}

const SYSTEM = { role: 'system', content: 'Answer in one word.' };
const QUESTION = 'Which planet is largest?';
const [GOOD, BAD] = ['Jupiter.', 'Mars.'];
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const plain = { prompt: QUESTION, chosen: GOOD, rejected: BAD };
const withSystem = { ...plain, prompt: [SYSTEM, user(QUESTION)] };
const call = { function: { name: 'weather', arguments: expect.anything() } };
const toolTurns = [
  { role: 'assistant', content: null, tool_calls: [expect.objectContaining(call)] },
  expect.objectContaining({ role: 'tool', content: '-3' }),
];
const thinking = (reasoning_content: string) => [{ ...assistant(GOOD), reasoning_content }];

interface Row {
  readonly file: string;
  /** A file of the same shape beside the repository, from the field; how many records it has. */
  readonly shared?: readonly [path: string, records: number];
  readonly read: (path: string) => Reading<unknown>;
  readonly format?: string;
  readonly items?: readonly object[];
  /** Records that were left out, by reason. */
  readonly dropped?: Readonly<Record<string, number>>;
  /** The end of the message of the error that ends the reading. */
  readonly error?: RegExp;
}

const rows: readonly Row[] = [
  {
    file: 'pair-of-conversations',
    shared: ['conversations/01a-messages-implicit', 8],
    read: pairs,
    format: 'preference',
    items: [withSystem, { ...plain, prompt: [user('Hi'), assistant('Hello. What is it?'), user(QUESTION)] }],
  },
  {
    file: 'pair-with-prompt-messages',
    shared: ['conversations/01b-messages-explicit', 8],
    read: pairs,
    format: 'preference',
    items: [withSystem],
  },
  {
    file: 'sharegpt-pair',
    shared: ['conversations/01d-sharegpt', 8],
    read: pairs,
    format: 'sharegpt-pairs',
    items: [withSystem],
  },
  {
    file: 'different-prompts',
    shared: ['conversations/01f-different-prompts', 8],
    read: pairs,
    error: /field "rejected" of .* line 1 is not a conversation with the prompt of "chosen"$/,
  },
  {
    file: 'alpaca-pair',
    shared: ['conversations/03a-alpaca-pair', 8],
    read: pairs,
    format: 'alpaca-pairs',
    items: [{ prompt: 'Translate to French.\n\ncheese', chosen: 'fromage', rejected: 'pain' }],
  },
  {
    file: 'alpaca-output-list',
    shared: ['conversations/03b-alpaca-output-list', 8],
    read: pairs,
    format: 'alpaca-pairs',
    items: [{ prompt: 'Name a prime.', chosen: '7', rejected: '9' }],
  },
  {
    file: 'alpaca-history',
    shared: ['conversations/03c-alpaca-sft-system-history', 8],
    read: demonstrations,
    format: 'alpaca',
    items: [
      {
        prompt: [SYSTEM, user(QUESTION), assistant(GOOD), user('And the smallest?')],
        response: 'Mercury.',
      },
    ],
  },
  {
    file: 'messages',
    shared: ['conversations/03d-messages-sft', 8],
    read: demonstrations,
    format: 'messages',
    items: [
      {
        prompt: [SYSTEM, user(QUESTION), assistant(GOOD), user('And the smallest?')],
        response: 'Mercury.',
      },
    ],
  },
  {
    file: 'messages-tools',
    shared: ['conversations/03e-messages-tools-sft', 8],
    read: demonstrations,
    format: 'messages',
    items: [
      {
        prompt: 'Is it cold in Oslo?',
        response: [...toolTurns, assistant('Yes, -3 degrees.')],
        tools: [expect.objectContaining({ type: 'function' })],
      },
    ],
  },
  {
    file: 'sharegpt-tools',
    read: demonstrations,
    format: 'messages',
    items: [
      {
        prompt: 'Is it cold in Oslo?',
        response: [...toolTurns, assistant('Yes, -3 degrees.')],
        tools: [expect.objectContaining({ type: 'function' })],
      },
    ],
  },
  {
    file: 'content-parts',
    shared: ['conversations/50-parts', 8],
    read: pairs,
    format: 'preference',
    items: [plain],
  },
  {
    file: 'image-part',
    read: demonstrations,
    error: /field "messages\.0\.content\.1" of .* line 1 is not a part of type "text"$/,
  },
  {
    file: 'tool-call-in-answer',
    shared: ['conversations/51-toolcall', 8],
    read: pairs,
    format: 'preference',
    items: [{ prompt: 'Is it cold in Oslo?', chosen: [...toolTurns, assistant('Yes.')], rejected: 'No.' }],
  },
  {
    file: 'only-an-answer',
    shared: ['conversations/55-only-assistant', 8],
    read: pairs,
    error: /field "chosen" of .* line 1 is not a conversation with a prompt before the response$/,
  },
  {
    file: 'ends-with-user',
    read: pairs,
    error: /field "chosen" of .* line 1 is not a conversation that ends with a turn of the assistant$/,
  },
  {
    file: 'reasoning',
    shared: ['conversations/57-reasoning', 8],
    read: pairs,
    format: 'preference',
    items: [
      {
        prompt: QUESTION,
        chosen: thinking('It has 318 times the mass of Earth.'),
        rejected: thinking('A guess.'),
      },
    ],
  },
  {
    file: 'transcript-with-system',
    shared: ['conversations/58-hh-system', 8],
    read: pairs,
    format: 'hh-rlhf',
    items: [withSystem],
  },
  {
    file: 'orca',
    shared: ['conversations/60-orca', 8],
    read: pairs,
    format: 'orca',
    items: [withSystem],
  },
  {
    file: 'response-repeats-prompt',
    shared: ['data/02-chosen-includes-prompt', 8],
    read: pairs,
    format: 'preference',
    items: [{ prompt: QUESTION, chosen: `${QUESTION} ${GOOD}`, rejected: `${QUESTION} ${BAD}` }],
  },
  {
    file: 'completion',
    shared: ['data/03f-prompt-completion-sft', 8],
    read: demonstrations,
    format: 'demonstration',
    items: [{ prompt: QUESTION, response: GOOD }],
  },
  {
    file: 'text',
    shared: ['data/03g-text-sft', 8],
    read: demonstrations,
    error: /line 1 fits the format text, \{ text \}, which holds texts and not demonstrations/,
  },
  {
    file: 'text',
    shared: ['data/03g-text-sft', 8],
    read: (path) =>
      readDemonstrations(path, { columns: { prompt: { template: 'Ask and answer.' }, response: 'text' } }),
    items: [{ prompt: 'Ask and answer.', response: `${QUESTION} ${GOOD}` }],
  },
  {
    file: 'unified-feedback',
    shared: ['data/07-unified', 8],
    read: (path) => pairs(path, { margins: true }),
    format: 'unified-feedback',
    items: [{ ...plain, margin: 3.5, family: 'quiz' }],
    dropped: { tie: 1 },
  },
  {
    file: 'skywork',
    shared: ['data/08-skywork', 8],
    read: pairs,
    format: 'preference',
    items: [plain],
  },
  {
    file: 'ultrafeedback-raw',
    shared: ['data/09a-uf-raw', 8],
    read: (path) => pairs(path, { margins: true }),
    format: 'ultrafeedback-raw',
    items: [
      { id: '1/1', ...plain, margin: 6, family: 'quiz' },
      { id: '1/2', ...plain, rejected: 'Saturn.', margin: 6, family: 'quiz' },
    ],
  },
  {
    file: 'ultrafeedback-binarized',
    shared: ['data/09b-uf-bin', 8],
    read: (path) => pairs(path, { margins: true }),
    format: 'ultrafeedback',
    items: [{ ...plain, margin: 5 }],
  },
  {
    file: 'inverted-ratings',
    shared: ['data/09e-uf-score-inverted', 8],
    read: pairs,
    format: 'ultrafeedback',
    items: [plain],
  },
  {
    file: 'inverted-ratings',
    shared: ['data/09e-uf-score-inverted', 8],
    read: (path) => pairs(path, { margins: true }),
    error: /field "score_rejected" of .* line 1 is not a rating of at most that of "score_chosen"$/,
  },
  {
    file: 'gram-pretrain',
    shared: ['data/13a-gram-pretrain', 8],
    read: (path) => readResponsePairs(path),
    format: 'gram-pretrain',
    items: ['1/1', '2/1'].map((id) => ({
      id,
      prompt: QUESTION,
      responses: expect.arrayContaining([GOOD, BAD]),
    })),
  },
  {
    file: 'gram-finetune',
    shared: ['data/13b-gram-finetune', 8],
    read: pairs,
    format: 'gram-finetune',
    items: [plain, plain],
  },
  {
    file: 'gram-eval',
    shared: ['data/13c-gram-eval', 8],
    read: pairs,
    format: 'preference',
    items: [plain],
  },
  {
    file: 'other-names',
    shared: ['data/16-custom', 8],
    read: (path) =>
      pairs(path, {
        columns: { prompt: 'question', chosen: 'answer_good', rejected: { template: '{answer_bad}' } },
      }),
    format: 'preference',
    items: [plain],
  },
  {
    file: 'other-names',
    shared: ['data/16-custom', 8],
    read: pairs,
    error:
      /cannot tell the format of .* line 1|line 1 fits the format prompts, .* which holds prompts and not judged pairs/,
  },
  {
    file: 'null-response',
    shared: ['data/17-null-response', 8],
    read: pairs,
    error: /field "rejected" of .* line \d is not a string or a list of messages$/,
  },
  {
    file: 'null-response',
    shared: ['data/17-null-response', 8],
    read: (path) => pairs(path, { maxBadRecords: 1 }),
    format: 'preference',
    items: [plain, { ...plain, rejected: 'Venus.' }],
    dropped: { 'bad-record': 1 },
  },
  {
    file: 'null-response',
    shared: ['data/48-one-null-in-1000', 1000],
    read: (path) => pairs(path, { maxBadRecords: 1 }),
    dropped: { 'bad-record': 1 },
  },
  {
    file: 'empty-response',
    shared: ['data/18-empty-response', 8],
    read: pairs,
    items: [],
    dropped: { 'empty-response': 1 },
  },
  {
    file: 'empty-response',
    shared: ['data/18-empty-response', 8],
    read: (path) => pairs(path, { degenerate: 'error' }),
    error: /field "response" of .* line 1 is not a text that is not empty$/,
  },
  {
    file: 'empty-prompt',
    shared: ['data/18b-empty-both-prompt', 8],
    read: pairs,
    items: [],
    dropped: { 'empty-prompt': 1 },
  },
  {
    file: 'empty-response',
    shared: ['data/45-empty-rej', 32],
    read: pairs,
    dropped: { 'empty-response': 1 },
  },
  {
    file: 'repeated-id',
    shared: ['data/19-constant-id', 64],
    read: pairs,
    items: [
      { id: 'train', ...plain },
      { id: 'train', prompt: 'And the smallest?', chosen: 'Mercury.', rejected: BAD },
    ],
  },
  {
    file: 'not-a-number',
    shared: ['data/20-nan', 8],
    read: pairs,
    items: [{ ...plain, chosen: 'NaN is "no" number' }],
  },
  {
    file: 'not-a-number',
    shared: ['data/20-nan', 8],
    read: (path) => pairs(path, { margins: true }),
    error: /field "margin" of .* line 1 is not a number$/,
  },
  {
    file: 'byte-order-mark',
    shared: ['data/22-bom-crlf', 8],
    read: pairs,
    items: [plain, { prompt: 'And the smallest?', chosen: 'Mercury.' }],
  },
  {
    file: 'scored-list',
    shared: ['data/25-list-scores', 8],
    read: pairs,
    format: 'scored-responses',
    items: [
      { id: '1/1', ...plain, rejected: 'Saturn.' },
      { id: '1/2', ...plain },
      { id: '1/3', ...plain, chosen: 'Saturn.' },
    ],
  },
  {
    file: 'scored-list',
    read: (path) => pairs(path, { pairing: 'best' }),
    items: [{ ...plain, rejected: 'Saturn.' }, plain],
  },
  {
    file: 'scored-list',
    read: (path) => pairs(path, { pairing: 'adjacent', margins: true }),
    items: [
      { ...plain, rejected: 'Saturn.', margin: 4 },
      { ...plain, chosen: 'Saturn.', margin: 4 },
    ],
  },
  {
    file: 'scored-list',
    read: demonstrations,
    items: [{ id: '1', prompt: QUESTION, response: GOOD }],
  },
  {
    file: 'kto',
    shared: ['data/30-kto', 8],
    read: demonstrations,
    format: 'kto',
    items: [{ prompt: QUESTION, response: GOOD }],
    dropped: { 'not-good': 1 },
  },
  {
    file: 'kto',
    shared: ['data/30-kto', 8],
    read: (path) => readLabeledResponses(path),
    items: [
      { prompt: QUESTION, response: GOOD, isGood: true },
      { prompt: QUESTION, response: BAD, isGood: false },
    ],
  },
  {
    file: 'kto',
    shared: ['data/30-kto', 8],
    read: pairs,
    error:
      /line 1 fits the format kto, .* which holds labeled responses and not judged pairs, ranked responses$/,
  },
  {
    file: 'empty-demonstration',
    shared: ['data/44-empty-sft', 32],
    read: demonstrations,
    items: [{ prompt: QUESTION, response: GOOD }],
    dropped: { 'empty-response': 1 },
  },
  {
    file: 'scores-as-texts',
    shared: ['data/61-score-strings', 8],
    read: pairs,
    error: /field "scores\.0" of .* line 1 is not a number$/,
  },
  {
    file: 'scores-as-texts',
    shared: ['data/61-score-strings', 8],
    read: (path) => readPrompts(path, { format: 'prompts' }),
    items: [{ prompt: QUESTION }],
  },
];

describe('what a file of each shape becomes, or how it is refused', () => {
  it.each(rows.map((row) => [row.file, row] as const))('%s', async (file, row) => {
    const { items, error, format, counts } = await outcome(row.read(`${ours}${file}.jsonl`));
    if (row.error !== undefined) {
      expect(error).toMatchObject({ message: expect.stringMatching(row.error) });
      return;
    }
    expect(error).toBeUndefined();
    if (row.format !== undefined) expect(format).toBe(row.format);
    if (row.items !== undefined) {
      expect(items).toEqual(row.items.map((item) => expect.objectContaining(item)));
    }
    expect(counts.dropped).toEqual(row.dropped ?? {});
  });

  const shared = rows.flatMap((row) => (row.shared === undefined ? [] : [[row.shared[0], row] as const]));
  it.skipIf(!existsSync(field)).each(shared)('%s, from the field', async (file, row) => {
    const { items, error, format, counts } = await outcome(row.read(`${field}${file}.jsonl`));
    if (row.error !== undefined) {
      expect(error).toMatchObject({ message: expect.stringMatching(row.error) });
      return;
    }
    expect(error).toBeUndefined();
    if (row.format !== undefined) expect(format).toBe(row.format);
    const left = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
    expect([counts.read, counts.kept + left]).toEqual([row.shared?.[1], row.shared?.[1]]);
    if (row.dropped === undefined) expect(counts.dropped).toEqual({});
    if (row.items !== undefined && row.items.length > 0) expect(items).not.toEqual([]);
  });

  it('says which ids repeat and which responses begin with the prompt', async () => {
    const repeated = await outcome(pairs(`${ours}repeated-id.jsonl`));
    expect(repeated.counts).toMatchObject({ read: 2, kept: 2, repeatedIds: 1, repeatedPrompts: 0 });
    const twice = await outcome(pairs(`${ours}response-repeats-prompt.jsonl`));
    expect(twice.counts).toMatchObject({ repeatedIds: 0, repeatedPrompts: 1 });
  });
});
