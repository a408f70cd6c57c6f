import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDemonstrations } from '../readers/demonstrations.js';
import { bytesOf } from './bytes.js';
import { scanArray } from './json.js';
import { readRecords } from './read-records.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-hostile-'));
});
afterAll(() => rm(folder, { recursive: true }));

const MIB = 2 ** 20;

async function save(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function exhaust(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const record = (n: number) => JSON.stringify({ instruction: `Say ${n}.`, output: `${n}` });
const lines = `${Array.from({ length: 50 }, (_, n) => record(n)).join('\n')}\n`;
const zipped = gzipSync(lines);

describe('compressed files', () => {
  it.each([3, 11, 40, zipped.length - 1])('cut off after %d bytes are refused by name', async (length) => {
    const path = await save('cut.jsonl.gz', zipped.subarray(0, length));
    const error = await all(readDemonstrations(path, { maxBadRecords: 99 })).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'file-unreadable', message: expect.stringContaining(path) });
  });

  it('read all members of several that were put together, and padding after them', async () => {
    const path = await save('two.jsonl.gz', Buffer.concat([zipped, zipped, Buffer.alloc(512)]));
    expect(await all(readRecords(path))).toHaveLength(100);
  });

  it.each([
    [Buffer.from(lines), /incorrect header check$/],
    // A decompressor takes what begins with a zero for padding, and leaves it out silently.
    [
      Buffer.concat([Buffer.alloc(9), zipped]),
      new RegExp(`it goes on with other bytes at ${zipped.length}, after its`),
    ],
  ])('are refused where something else follows', async (rest, message) => {
    const path = await save('more.jsonl.gz', Buffer.concat([zipped, rest]));
    await expect(all(readRecords(path))).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringMatching(message),
    });
  });

  it('that would fill the memory or the day are refused', async () => {
    const path = await save(
      'bomb.jsonl.gz',
      Buffer.concat(Array(5).fill(gzipSync(Buffer.alloc(60 * MIB, 10)))),
    );
    await expect(exhaust(bytesOf(path))).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringMatching(/bomb\.jsonl\.gz gives more than .* MiB, over 250 times its size$/),
    });
  });
});

describe('a line of 200 MB', () => {
  let path: string;
  beforeAll(async () => {
    path = join(folder, 'long.jsonl');
    const file = await open(path, 'w');
    await file.write(`${record(1)}\n{"instruction": "`);
    for (let i = 0; i < 200; i++) await file.write(Buffer.alloc(MIB, 'x'));
    await file.write(`", "output": ""}\n${record(2)}\n`);
    await file.close();
  });

  it('is refused where it becomes too long, without reading on', async () => {
    await expect(all(readRecords(path))).rejects.toMatchObject({
      code: 'too-large',
      message: `${path} line 2 is longer than 16 MiB`,
    });
  });

  it('is skipped and counted where that was asked for, in little memory', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const reading = readDemonstrations(path, { maxBadRecords: 1 });
    const items = await all(reading);
    expect(items.map(({ response }) => response)).toEqual(['1', '2']);
    expect(reading.counts).toMatchObject({ read: 3, kept: 2, dropped: { 'bad-record': 1 } });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB);
  });
});

describe('arrays', () => {
  const elements = ['{"a": "]}\\\\\\"["}', '[1, {}]', '7', '{"b": [{"c": []}, "é"]}', '{"d": NaN}'];
  async function* pieces(text: string, size: number) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  it.each([
    `[${elements.join(',')}]`,
    ` [\n ${elements.join(' ,\n')}\n]\n`,
    `\ufeff[${elements.join(',')}]`,
    `{"name": "examples", "more": {"examples": [1]}, "examples" : [${elements.join(',')}], "rest": [{}]}`,
  ])('are read element by element, in pieces of any size: %s', async (text) => {
    for (const size of [1, 2, 3, 7, 1000]) {
      const found = await all(scanArray('x.json', pieces(text, size)));
      expect(found.map((entry) => ('record' in entry ? entry.record : entry.error.message))).toEqual([
        { a: ']}\\"[' },
        'x.json record 2 is not an object',
        'x.json record 3 is not an object',
        { b: [{ c: [] }, 'é'] },
        { d: null },
      ]);
    }
  });

  it.each(['[]', ' [ \n] ', '{"examples": []}'])('may be empty: %s', async (text) => {
    expect(await all(scanArray('x.json', pieces(text, 2)))).toEqual([]);
  });

  it.each([
    ['[{"a": 1}, {"a"', /^x\.json is not JSON: it ends in the middle of its array, in record 2$/],
    ['[{"a": 1}', /ends in the middle of its array, in record 1$/],
    ['{"examples": [{"a": 1}]', /ends in the middle of an object$/],
    ['[{"a": 1}] [', /goes on after its array$/],
    ['[{"a": 1}}', /closes its array with another bracket/],
    ['{"examples": [], "examples": []}', /has the field "examples" twice$/],
    ['{"records": []}', /holds no array$/],
    ['7', /holds no array$/],
    ['', /holds no array$/],
  ])('that are none or end early are refused: %s', async (text, message) => {
    await expect(all(scanArray('x.json', pieces(text, 4)))).rejects.toMatchObject({
      code: 'bad-json',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['[{"a": 1}, , {"a": 2}]', 2],
    ['[{"a": 1}, {"a": 2 3}]', 2],
    ['[{"a": 1},]', 2],
  ])('may have elements that are none, which stand for themselves: %s', async (text, number) => {
    const found = await all(scanArray('x.json', pieces(text, 4)));
    const errors = found.filter((entry) => 'error' in entry);
    expect(errors.map(({ where }) => where)).toEqual([`x.json record ${number}`]);
  });
});

it('a line that is not UTF-8 is named, or skipped and counted', async () => {
  const bad = Buffer.concat([
    Buffer.from(record(1)),
    Buffer.from([10, 0x22, 0xc3, 0x28, 10]),
    Buffer.from(lines),
  ]);
  const path = await save('latin.jsonl', bad);
  await expect(all(readRecords(path))).rejects.toMatchObject({ message: `${path} line 2 is not UTF-8` });
  const reading = readDemonstrations(path, { maxBadRecords: 1 });
  expect(await all(reading)).toHaveLength(51);
  expect(reading.counts.dropped).toEqual({ 'bad-record': 1 });
});
