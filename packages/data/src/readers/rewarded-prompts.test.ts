import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { RewardedPrompt } from '../records.js';
import { readRewardedPrompts } from './singles.js';

const directory = mkdtempSync(join(tmpdir(), 'gram-prompts-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function read(
  records: readonly object[],
  options?: Parameters<typeof readRewardedPrompts>[1],
): Promise<RewardedPrompt[]> {
  const path = join(directory, 'records.jsonl');
  writeFileSync(path, records.map((record) => JSON.stringify(record)).join('\n'));
  const items: RewardedPrompt[] = [];
  for await (const item of readRewardedPrompts(path, options)) items.push(item);
  return items;
}

it('gives every field of a record, whatever its format', async () => {
  const record = { id: 'one', prompt: '2 + 2?', level: 3, solution: { value: 4 } };
  expect(await read([record])).toEqual([{ id: 'one', prompt: '2 + 2?', fields: record }]);
  const turns = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: '2 + 2?' },
  ];
  const [conversation] = await read([{ messages: turns, solution: '4' }]);
  expect(conversation).toMatchObject({ prompt: turns, fields: { solution: '4' } });
});

it('gives the answer that is to be imitated, was chosen or is the best', async () => {
  const [pair] = await read([{ id: 'p', prompt: 'q', chosen: 'good', rejected: 'bad' }]);
  expect(pair).toMatchObject({ prompt: 'q', answer: 'good', fields: { rejected: 'bad' } });
  const [shown] = await read([{ id: 'd', prompt: 'q', response: 'so' }]);
  expect(shown).toMatchObject({ prompt: 'q', answer: 'so' });
});

it('gives the fields of the file where columns are mapped', async () => {
  const [item] = await read([{ id: 'm', ask: 'q', key: 7 }], { columns: { prompt: 'ask' } });
  expect(item).toEqual({ id: 'm', prompt: 'q', fields: { id: 'm', ask: 'q', key: 7 } });
});
