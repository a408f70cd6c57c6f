import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecords } from './read-records.js';
import { writeJsonl } from './write-jsonl.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function save(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function all(path: string) {
  const records = [];
  for await (const each of readRecords(path)) records.push(each);
  return records;
}

describe('readRecords', () => {
  const content = [{ a: 1 }, { b: 'ü\u2028x' }];
  const lines = `${content.map((each) => JSON.stringify(each)).join('\r\n\n')}`;

  it.each([
    ['a.jsonl', lines, [1, 3]],
    ['b.jsonl.gz', gzipSync(`\ufeff${lines}\n`), [1, 3]],
    ['c.json', JSON.stringify(content), [1, 2]],
    ['d.json.gz', gzipSync(JSON.stringify(content)), [1, 2]],
  ])('reads %s', async (name, bytes, numbers) => {
    const records = await all(await save(name, bytes));
    expect(records.map(({ record }) => record)).toEqual(content);
    expect(records.map(({ number }) => number)).toEqual(numbers);
    expect(records[1]?.where).toMatch(new RegExp(`${name} (line|record) ${numbers[1]}$`));
  });

  it('joins lines that are longer than a chunk', async () => {
    const long = { text: 'é'.repeat(200_000) };
    const path = await save('long.jsonl', `${JSON.stringify(long)}\n{"x":1}`);
    expect((await all(path)).map(({ record }) => record)).toEqual([long, { x: 1 }]);
  });

  it('leaves __proto__ keys out, however they are spelled', async () => {
    const path = await save(
      'proto.jsonl',
      '{"a":1,"__proto__":{"polluted":1}}\n{"a":2,"deep":{"\\u005f_proto__":{"polluted":1}}}',
    );
    const copies = (await all(path)).map(({ record }) => Object.assign({}, record));
    expect(copies).toEqual([{ a: 1 }, { a: 2, deep: {} }]);
    for (const { record } of await all(path)) {
      expect(JSON.stringify(record)).not.toContain('polluted');
      expect((Object.assign({}, record) as { polluted?: number }).polluted).toBeUndefined();
    }
  });

  it.each([
    ['broken.jsonl', '{"a":1}\n\n{"a":', 'bad-json', /broken\.jsonl line 3 /],
    ['number.jsonl', '{"a":1}\n7', 'bad-record', /line 2 /],
    ['list.json', '[{}, []]', 'bad-record', /record 2 /],
    ['object.json', '{"a":1}', 'bad-json', /no array/],
    ['latin.jsonl', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'bad-json', /UTF-8/],
    ['cut.jsonl.gz', gzipSync(lines).subarray(0, 20), 'file-unreadable', /cut/],
    ['plain.jsonl.gz', lines, 'file-unreadable', /plain/],
    ['big.jsonl.gz', gzipSync(Buffer.alloc(17 * 2 ** 20, 32)), 'too-large', /line 1 .*16 MiB/],
  ])('refuses %s', async (name, bytes, code, message) => {
    await expect(all(await save(name, bytes))).rejects.toMatchObject({
      name: 'DataError',
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    });
  });

  it('refuses missing files and unknown extensions', async () => {
    await expect(all(join(folder, 'none.jsonl'))).rejects.toMatchObject({ code: 'file-missing' });
    await expect(all(join(`${folder}/a.jsonl`, 'x.json'))).rejects.toMatchObject({ code: 'file-missing' });
    await expect(all(await save('data.xml', '<a/>'))).rejects.toMatchObject({ code: 'unknown-extension' });
  });
});

describe('writeJsonl', () => {
  it.each(['out.jsonl', 'out.jsonl.gz'])('%s comes back as written', async (name) => {
    const records = Array.from({ length: 300 }, (_, id) => ({ id, text: 'x\ny'.repeat(id) }));
    const path = join(folder, name);
    await writeJsonl(path, records);
    expect((await all(path)).map(({ record }) => record)).toEqual(records);
  });

  it('leaves nothing behind and keeps the old file when a record fails', async () => {
    const path = await save('kept.jsonl', '{"old":1}');
    const before = await readdir(folder);
    async function* failing() {
      yield { a: 1 };
      throw new RangeError('no more');
    }
    await expect(writeJsonl(path, failing())).rejects.toThrow(RangeError);
    expect((await all(path)).map(({ record }) => record)).toEqual([{ old: 1 }]);
    expect(await readdir(folder)).toEqual(before);
  });

  it('says when it cannot write', async () => {
    await expect(writeJsonl(join(folder, 'none', 'x.jsonl'), [])).rejects.toMatchObject({
      code: 'file-unwritable',
    });
  });
});
