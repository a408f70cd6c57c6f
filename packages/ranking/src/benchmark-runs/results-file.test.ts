import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openResults } from './results-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-results-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('a file that a run began and left without a result is begun anew by another run', async () => {
  const path = join(folder, 'items.jsonl');
  const benchmark = { name: 'llmbar', items: [] } as const;
  const open = async (model: string) => (await openResults(path, { model }, benchmark)).close();
  await open('a much longer name');
  await open('b');
  expect(await readFile(path, 'utf8')).toBe('{"fingerprint":{"model":"b"}}\n');
  await writeFile(path, '{"fingerprint":{"model":"b"}}\n{"id":"1"}\n');
  await expect(open('c')).rejects.toMatchObject({ code: 'other-run' });
  await writeFile(path, '{"id":"1"}\n');
  await expect(open('c')).rejects.toMatchObject({ code: 'bad-results' });
});
