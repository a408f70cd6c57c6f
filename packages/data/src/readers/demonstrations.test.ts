import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conversationText } from '@gram/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeJsonl } from '../files/write-jsonl.js';
import type { Demonstration } from '../records.js';
import { type DemonstrationFormat, demonstrationFormats, readDemonstrations } from './demonstrations.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function gather(items: AsyncIterable<Demonstration>): Promise<Demonstration[]> {
  const result: Demonstration[] = [];
  for await (const item of items) result.push(item);
  return result;
}

async function save(...records: object[]): Promise<string> {
  const path = join(folder, 'records.jsonl');
  await writeJsonl(path, records);
  return path;
}

describe('readDemonstrations', () => {
  it.each<[string, DemonstrationFormat, object, object]>([
    [
      'a record',
      'demonstration',
      { id: 3, prompt: 'p', response: 'r', subset: 's' },
      { id: '3', prompt: 'p', response: 'r', family: 's' },
    ],
    ['no id', 'demonstration', { prompt: 'p', response: 'r' }, { id: '1', prompt: 'p', response: 'r' }],
    [
      'an input',
      'alpaca',
      { instruction: 'Reword this.', input: 'It made me smile', output: 'I smiled.' },
      { id: '1', prompt: 'Reword this.\n\nIt made me smile', response: 'I smiled.' },
    ],
    [
      'an empty input',
      'alpaca',
      { instruction: 'Name a fruit.', input: '', output: 'A pear.' },
      { prompt: 'Name a fruit.', response: 'A pear.' },
    ],
    ['no input', 'alpaca', { instruction: 'i', output: 'o' }, { prompt: 'i', response: 'o' }],
    ['an input of null', 'alpaca', { instruction: 'i', input: null, output: 'o' }, { prompt: 'i' }],
    [
      'a judged pair',
      'llmbar',
      { input: 'p', output_1: 'b', output_2: 'a', label: 2 },
      { id: '1', prompt: 'p', response: 'a' },
    ],
    [
      'a judged transcript',
      'hh-rlhf',
      { chosen: '\n\nHuman: p\n\nAssistant: As a', rejected: '\n\nHuman: p\n\nAssistant: As b' },
      { prompt: 'p', response: 'As a' },
    ],
  ])('reads %s (%s)', async (_, format, record, demonstration) => {
    const read = await gather(readDemonstrations(await save(record), { format }));
    expect(read).toEqual([expect.objectContaining(demonstration)]);
    expect(Object.keys(read[0] as object)).not.toContain('rejected');
  });

  it('counts what it drops', async () => {
    const reasons: string[] = [];
    const path = await save(
      { question: 'p', answers: ['b', 'a'], scores: [1, 1] },
      { question: 'p', answers: ['a', 'b'], scores: [0, 1] },
    );
    const read = await gather(
      readDemonstrations(path, {
        onDrop: (where, reason) => reasons.push(`${where.slice(-6)} ${reason}`),
      }),
    );
    expect(read.map(({ response }) => response)).toEqual(['b']);
    expect(reasons).toEqual(['line 1 tie']);
  });

  it.each<[DemonstrationFormat, object, string]>([
    ['demonstration', { prompt: 'p' }, 'response'],
    ['demonstration', { prompt: 5, response: 'r' }, 'prompt'],
    ['alpaca', { instruction: 'i' }, 'output'],
    ['alpaca', { input: 'i', output: 'o' }, 'instruction'],
    ['alpaca', { instruction: 'i', input: 5, output: 'o' }, 'input'],
    ['preference', { prompt: 'p', chosen: 'a' }, 'rejected'],
  ])('names the field of a bad %s record', async (format, record, field) => {
    const path = await save(record);
    await expect(gather(readDemonstrations(path, { format }))).rejects.toMatchObject({
      code: 'bad-record',
      message: expect.stringContaining(`field "${field}" of ${path} line 1`),
    });
  });

  it('lists the formats when it does not know one', () => {
    for (const format of ['outputs', 'constructor'] as string[]) {
      expect(() => readDemonstrations('x.jsonl', { format: format as DemonstrationFormat })).toThrow(
        expect.objectContaining({
          code: 'unknown-format',
          hint: expect.stringContaining('demonstration, alpaca, capybara, messages'),
        }),
      );
    }
    expect(demonstrationFormats).not.toContain('outputs');
  });
});

const alpaca = fileURLToPath(
  new URL('../../../../../shared/data/llamafactory-demo/alpaca_en_demo.json.gz', import.meta.url),
);

it.skipIf(!existsSync(alpaca))('reads the real Alpaca file', async () => {
  const read = await gather(readDemonstrations(alpaca));
  expect(read).toHaveLength(1000);
  expect(read[0]).toMatchObject({ id: '1', prompt: 'Describe a process of making crepes.' });
  expect(read[0]?.response).toMatch(/^Making crepes is an easy and delicious process!/);
  expect(
    read.filter(({ prompt }) => /^Reword this sentence.*\n\nThe idea of her/.test(conversationText(prompt))),
  ).toHaveLength(1);
  for (const { prompt, response } of read)
    expect([prompt, response].map((text) => conversationText(text).trim())).not.toContain('');
});
