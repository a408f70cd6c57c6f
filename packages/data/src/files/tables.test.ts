import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPreferences } from '../readers/preferences.js';
import { readLabeledResponses } from '../readers/singles.js';
import { bytesOf } from './bytes.js';
import { scanRows } from './csv.js';
import { dataFiles } from './data-files.js';
import { readRecords } from './read-records.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-tables-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function save(name: string, bytes: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('files of separated values', () => {
  it.each(['rows.csv', 'rows.tsv'])('%s reads as Python reads it, in pieces of any length', async (name) => {
    const wanted: unknown = JSON.parse(await readFile(fixture('rows.json'), 'utf8'));
    const records = await all(readRecords(fixture(name)));
    expect(records.map(({ record }) => record)).toEqual(wanted);
    expect(records.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    const bytes = await readFile(fixture(name));
    async function* single() {
      for (const byte of bytes) yield Buffer.from([byte]);
    }
    const pieces = await all(scanRows(name, single(), name.endsWith('csv') ? ',' : '\t'));
    expect(pieces.map((entry) => 'record' in entry && entry.record)).toEqual(wanted);
  });

  it('names lines, leaves empty cells out, and reads gzip and a byte order mark', async () => {
    const path = await save(
      'a.csv.gz',
      zlib.gzipSync('\u{FEFF}prompt,chosen\n\n"two\nlines",x\n,y\n__proto__\nlast,"z"'),
    );
    expect(await all(scanRows(path, bytesOf(path), ','))).toEqual([
      { record: { prompt: 'two\nlines', chosen: 'x' }, number: 1, where: `${path} line 3`, isText: true },
      { record: { chosen: 'y' }, number: 2, where: `${path} line 5`, isText: true },
      { where: `${path} line 6`, error: expect.objectContaining({ code: 'bad-row' }) },
      { record: { prompt: 'last', chosen: 'z' }, number: 4, where: `${path} line 7`, isText: true },
    ]);
  });

  it('has numbers and labels as texts', async () => {
    const webgpt = await save('w.csv', 'input,output_1,output_2,label\np,b,a,2\n');
    expect(await all(readPreferences(webgpt))).toEqual([
      { id: '1', prompt: 'p', chosen: 'a', rejected: 'b' },
    ]);
    const kto = await save('k.tsv', 'prompt\tcompletion\tlabel\np\ta\tTrue\np\tb\tfalse\n');
    expect((await all(readLabeledResponses(kto))).map(({ isGood }) => isGood)).toEqual([true, false]);
  });

  it.each([
    ['an open quote', 'a,b\n1,"2\n3,4\n', 'bad-row', /quote of the row at line 2 .* not closed/],
    ['a name twice', 'a,a\n1,2\n', 'bad-row', /name "a" twice/],
    ['a column without a name', 'a,\n1,2\n', 'bad-row', /name ""$/],
    ['a short row', 'a,b\n1\n', 'bad-row', /line 2 has 1 cells and the header has 2/],
    ['other bytes', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), 'bad-row', /is not UTF-8/],
    ['an endless row', `a\n"${'x'.repeat(17 * 2 ** 20)}`, 'too-large', /longer than 16 Mi/],
  ])('are refused with %s', async (_, bytes, code, message) => {
    const path = await save('bad.csv', bytes);
    await expect(all(readRecords(path))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('skip rows within the bound, and nothing after an open quote', async () => {
    const short = await save('short.csv', 'prompt,chosen,rejected\np,a,b\np,a\np,c,b\n');
    const reading = readPreferences(short, { maxBadRecords: 1 });
    expect(await all(reading)).toHaveLength(2);
    expect(reading.counts).toMatchObject({ read: 3, kept: 2, dropped: { 'bad-record': 1 } });
    const open = await save('open.csv', 'prompt,chosen,rejected\np,a,b\np,"a,b\n');
    await expect(all(readPreferences(open, { maxBadRecords: 9 }))).rejects.toMatchObject({ code: 'bad-row' });
  });
});

describe('folders and patterns', () => {
  beforeAll(async () => {
    await mkdir(join(folder, 'set', 'deep'), { recursive: true });
    for (const [name, id] of [
      ['b.jsonl', 'b'],
      ['a.jsonl', 'a'],
      ['deep/c.json', 'c'],
      ['deep/d[1].jsonl', 'd'],
      ['notes.txt', 'x'],
    ]) {
      const record = JSON.stringify({ name: id });
      await save(`set/${name}`, name?.endsWith('.json') ? `[${record}]` : record);
    }
  });

  it.each([
    ['set', ['a', 'b', 'c', 'd']],
    ['set/*.jsonl', ['a', 'b']],
    ['set/**/*.json*', ['a', 'b', 'c', 'd']],
    ['set/deep/?.json', ['c']],
    ['set/deep/d[1].*', ['d']],
    ['s*/deep/c.json', ['c']],
    ['set/deep/d[1].jsonl', ['d']],
  ])('%s', async (path, names) => {
    const records = await all(readRecords(join(folder, path)));
    expect(records.map(({ record }) => record.name)).toEqual(names);
    expect(records.map(({ number }) => number)).toEqual(names.map((_, at) => at + 1));
  });

  it('are listed, and refused where nothing is there', async () => {
    const files = await dataFiles(join(folder, 'set'));
    expect(files.map((file) => relative(folder, file))).toEqual([
      'set/a.jsonl',
      'set/b.jsonl',
      'set/deep/c.json',
      'set/deep/d[1].jsonl',
    ]);
    for (const path of ['set/*.csv', 'nowhere/*', 'nowhere']) {
      await expect(dataFiles(join(folder, path))).rejects.toMatchObject({ code: 'file-missing' });
    }
  });

  it('reads Zstandard, or says that this version of Node has none', async () => {
    const compress: unknown = Reflect.get(zlib, 'zstdCompressSync');
    const path = join(folder, 'z.jsonl.zst');
    if (typeof compress !== 'function') {
      await writeFile(path, 'x');
      await expect(all(readRecords(path))).rejects.toThrow('this version of Node has no Zstandard');
      return;
    }
    await writeFile(path, compress('{"a":1}\n') as Buffer);
    expect((await all(readRecords(path))).map(({ record }) => record)).toEqual([{ a: 1 }]);
  });
});
