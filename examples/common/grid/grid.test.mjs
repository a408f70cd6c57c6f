import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runGrid } from './run-grid.mjs';
import { inOrder, stage } from './stage.mjs';

const module = new URL('__fixtures__/sums.mjs', import.meta.url).href;
let directory;
let log;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gram-grid-'));
  log = join(directory, 'log.txt');
  writeFileSync(log, '');
});
afterEach(() => rmSync(directory, { recursive: true }));

const number = (value) => stage('number', { value, log });
const sum = (a, b, more = {}) => stage('sum', { log, ...more }, { a, b });
const run = (targets, workers) =>
  runGrid({ module, targets, directory: join(directory, 'stages'), workers, label: 'sums' });
const lines = () => readFileSync(log, 'utf8').trim().split('\n').sort();

it('gives a stage an id that all it depends on decides', () => {
  expect(number(1).id).toBe(number(1).id);
  expect(number(1).id).not.toBe(number(2).id);
  expect(sum(number(1), number(2)).id).not.toBe(sum(number(2), number(1)).id);
  const [two] = [number(2)];
  expect(inOrder([sum(two, number(1)), sum(number(1), two)]).map(({ kind }) => kind)).toEqual([
    'number',
    'number',
    'sum',
    'sum',
  ]);
});

it.each([1, 2])('computes each stage once, with %i workers, and nothing again', async (workers) => {
  const [one, two] = [number(1), number(2)];
  const targets = [sum(one, two), sum(one, one), sum(two, two, { wait: 20 })];
  const { resultOf } = await run(targets, workers);
  expect(targets.map((target) => resultOf(target).value)).toEqual([3, 2, 4]);
  expect(lines()).toEqual(['number 1', 'number 2', 'sum', 'sum', 'sum']);
  const again = await run([...targets, number(3)], workers);
  expect(again).toMatchObject({ foreign: 0, total: 6 });
  expect(lines()).toEqual(['number 1', 'number 2', 'number 3', 'sum', 'sum', 'sum']);
});

it('keeps what was finished when a stage fails, and says which', async () => {
  const broken = stage('broken', {}, { a: number(1) });
  await expect(run([broken], 2)).rejects.toThrow(/the stage broken-[0-9a-f]{16} failed: .*no such luck/);
  await expect(run([stage('crash', {}, { a: number(1) })], 2)).rejects.toThrow(/process ended with code 3/);
  await expect(run([stage('nothing', {})], 1)).rejects.toThrow(/no stage called nothing/);
  expect(lines()).toEqual(['number 1']);
  const kept = readdirSync(join(directory, 'stages')).filter((name) => !name.endsWith('.part'));
  expect(kept).toEqual([number(1).id]);
  expect(existsSync(join(directory, 'stages', number(1).id, 'value.txt'))).toBe(true);
});

it('leaves a stage that is resumable what its last try made', async () => {
  const counted = stage('counted', {});
  await expect(run([counted], 1)).rejects.toThrow('stopped half way');
  const { resultOf } = await run([counted], 1);
  expect(resultOf(counted)).toEqual({ left: 'half.txt' });
});

it('counts results of another build', async () => {
  await run([number(1)], 1);
  const path = join(directory, 'stages', number(1).id, 'result.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), build: 'old' }));
  expect(await run([number(1)], 1)).toMatchObject({ foreign: 1 });
});
