import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeJsonl } from '../files/write-jsonl.js';
import { readData } from '../readers/any.js';
import { readDemonstrations } from '../readers/demonstrations.js';
import { readPreferences } from '../readers/preferences.js';
import { readResponsePairs } from '../readers/responses.js';
import { readLabeledResponses, readPrompts } from '../readers/singles.js';
import type { Demonstration, PreferencePair, ResponsePair } from '../records.js';
import { WRITERS, type WriterName, writerNames } from './writer.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-writers-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function save(...records: readonly (object | string)[]): Promise<string> {
  const path = join(folder, 'records.jsonl');
  await writeJsonl(path, records as object[]);
  return path;
}

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const conversation = [{ role: 'system', content: 'Be brief.' }, user('Hi'), assistant('Yes?'), user('Why?')];
const tools = [{ type: 'function', function: { name: 'clock' } }];
const called = [
  { role: 'assistant', content: null, tool_calls: [{ function: { name: 'clock', arguments: '{}' } }] },
  { role: 'tool', content: '12:00' },
  assistant('Noon.'),
];

const pairs: readonly PreferencePair[] = [
  { id: 'a', prompt: 'What is\n2 + 2?', chosen: '4', rejected: '"5"\u2028', margin: 1.5, family: 'sums' },
  { id: 'b', prompt: conversation, tools, chosen: called, rejected: 'No idea.' },
  { id: 'c', prompt: '[[User]] Human: hi', chosen: 'Label: A', rejected: 'B' },
];

describe('what is written is read back', () => {
  it('preference', async () => {
    const path = await save(...pairs.map(WRITERS.preference.create()));
    const reading = readPreferences(path, { margins: true });
    // Margins are those of another format where ratings are; here they are the field itself.
    expect(await gather(reading)).toEqual(pairs.map((pair) => ({ family: undefined, ...pair })));
    expect(reading.format).toBe('preference');
  });

  it('gram-finetune, with the labels on both sides', async () => {
    const texts = Array.from({ length: 40 }, (_, at) => ({ ...pairs[2], id: `${at + 1}` }) as PreferencePair);
    const write = WRITERS['gram-finetune'].create({ seed: 3, instruction: 'Judge.\n\n' });
    const records = texts.map(write);
    expect(new Set(records.map((record) => (record as { output: string }).output))).toEqual(new Set('AB'));
    expect(records[0]).toMatchObject({
      instruction: expect.stringMatching(/^Judge\.[\s\S]*#Preferred: $/),
      input: '',
    });
    const reading = readPreferences(await save(...records));
    expect(await gather(reading)).toEqual(texts);
    expect(reading.format).toBe('gram-finetune');
  });

  it('gram-pretrain', async () => {
    const written: ResponsePair[] = [{ id: '1', prompt: 'p\n\nq', responses: ['a\n\n[1] b', 'b'] }];
    const reading = readResponsePairs(await save(...written.map(WRITERS['gram-pretrain'].create())));
    const [pair] = await gather(reading);
    expect(pair).toMatchObject({ prompt: 'p\n\nq' });
    expect(new Set(pair?.responses)).toEqual(new Set(written[0]?.responses));
    expect(reading.format).toBe('gram-pretrain');
  });

  it('gram-eval', async () => {
    const texts = [pairs[0], pairs[2]] as PreferencePair[];
    const reading = readPreferences(await save(...texts.map(WRITERS['gram-eval'].create())));
    const expected = texts.map(({ margin: _, ...pair }) => ({ family: undefined, ...pair }));
    expect(await gather(reading)).toEqual(expected);
    expect(WRITERS['gram-eval'].create()(pairs[1] as PreferencePair)).toMatchObject({
      prompt: 'System: Be brief.\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Why?',
    });
  });

  it('messages', async () => {
    const demonstrations: Demonstration[] = [
      { id: 'a', prompt: 'p', response: 'r', family: 'f' },
      { id: 'b', prompt: conversation, tools, response: called },
    ];
    const reading = readDemonstrations(await save(...demonstrations.map(WRITERS.messages.create())));
    expect(await gather(reading)).toEqual(demonstrations.map((one) => ({ family: undefined, ...one })));
    expect(reading.format).toBe('messages');
  });

  it('outputs, kto and prompts', async () => {
    const responses: ResponsePair = { id: 'a', prompt: conversation, responses: ['x', 'y'], family: 'f' };
    const [read] = await gather(readData(await save(WRITERS.outputs.create()(responses))));
    expect(read).toMatchObject(responses);
    const labeled = { id: 'a', prompt: 'p', response: called, isGood: false, family: 'f' };
    expect(await gather(readLabeledResponses(await save(WRITERS.kto.create()(labeled))))).toEqual([labeled]);
    const prompt = { id: 'a', prompt: conversation, tools, family: 'f' };
    expect(await gather(readPrompts(await save(WRITERS.prompts.create()(prompt))))).toEqual([prompt]);
  });
});

describe('what a format cannot hold is refused by name', () => {
  const pair = (chosen: PreferencePair['chosen'], prompt: PreferencePair['prompt'] = 'p') => ({
    id: '1',
    prompt,
    chosen,
    rejected: 'b',
  });
  const finetune = WRITERS['gram-finetune'].create({});

  it.each([
    ['a mark', "x [The Start of Assistant B's Answer] y"],
    ['a short mark', 'see [A]'],
    ['the mark of the question', '[User Question]'],
  ])('%s in a text of GRAM', (_, text) => {
    expect(finetune(pair(text))).toBe('holds-a-mark');
    expect(finetune(pair('a', text))).toBe('holds-a-mark');
  });

  it('an empty text, a call, and several answers', () => {
    expect(finetune(pair(' \n'))).toBe('empty');
    const responses = { id: '1', prompt: 'p', responses: ['a', called] as const };
    expect(WRITERS.outputs.create()(responses)).toBe('not-a-text');
    const response = [assistant('a'), user('q'), assistant('b')];
    expect(WRITERS.messages.create()({ id: '1', prompt: 'p', response })).toBe('not-one-answer');
  });
});

it('each format says its fields', () => {
  for (const name of writerNames) expect(WRITERS[name as WriterName].fields).toMatch(/^\{ .*\}/);
});
