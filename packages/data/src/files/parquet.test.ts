import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../error.js';
import { readPreferences } from '../readers/preferences.js';
import { scanParquet } from './parquet.js';
import { readRecords } from './read-records.js';

// Written by tools/make-parquet-fixtures.py with pyarrow; beside each file stands what pyarrow reads of it.
const fixtures = fileURLToPath(new URL('../__fixtures__/parquet', import.meta.url));
const names = (await readdir(fixtures)).filter((name) => name.endsWith('.parquet'));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-parquet-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function save(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'x.parquet');
  await writeFile(path, bytes);
  return path;
}

describe('Parquet of pyarrow', () => {
  it.each(names)('%s reads as pyarrow reads it', async (name) => {
    const path = join(fixtures, name);
    const lines = (await readFile(path.replace('.parquet', '.jsonl'), 'utf8')).split('\n');
    const wanted: unknown[] = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
    const records = await all(readRecords(path));
    expect(records.map(({ record }) => record)).toEqual(wanted);
    expect(records.map(({ where }) => where)).toEqual(wanted.map((_, at) => `${path} row ${at + 1}`));
  });

  it('is recognized as any other file is', async () => {
    const reading = readPreferences(join(fixtures, 'pairs-plain.parquet'), { maxBadRecords: 20 });
    await all(reading);
    expect(reading.format).toBe('preference');
    expect(reading.counts.read).toBe(20);
  });
});

describe('Parquet that is none', () => {
  let bytes: Buffer;
  beforeAll(async () => {
    bytes = await readFile(join(fixtures, 'pairs-snappy.parquet'));
  });
  const refused = {
    name: 'DataError',
    code: 'file-unreadable',
    message: expect.stringContaining('x.parquet'),
  };

  it.each([0, 3, 8, 1000, 3700])('is refused where it has %d bytes', async (length) => {
    await expect(all(scanParquet(await save(bytes.subarray(0, length))))).rejects.toMatchObject(refused);
  });

  it('is refused where its footer claims to be longer than the file', async () => {
    const lying = Buffer.from(bytes);
    lying.writeUInt32LE(2 ** 31, lying.length - 8);
    await expect(all(scanParquet(await save(lying)))).rejects.toMatchObject(refused);
  });

  it('gives its rows or one error, whichever byte is wrong', async () => {
    const random = createRandom(3, 'damage');
    const rows = new Set<number>();
    let errors = 0;
    for (let i = 0; i < 150; i++) {
      const damaged = Buffer.from(bytes);
      // Half of them in the footer, where the sizes are.
      const footer = damaged.readUInt32LE(damaged.length - 8);
      const at =
        i % 2 === 0 ? damaged.length - 8 - 1 - random.integer(footer) : random.integer(damaged.length);
      damaged[at] = random.integer(256);
      const found = await all(scanParquet(await save(damaged))).catch((error: unknown) => error);
      if (Array.isArray(found)) rows.add(found.length);
      else {
        expect(found).toBeInstanceOf(DataError);
        errors++;
      }
    }
    // Never fewer rows without an error.
    expect([...rows]).toEqual([40]);
    expect(errors).toBeGreaterThan(30);
  });
});
