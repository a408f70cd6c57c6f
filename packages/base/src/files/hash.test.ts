import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson, sha256, sha256OfFile, sha256OfParts, sha256OfValue } from './hash.js';

const OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

it('hashes strings and bytes alike, in parts or as a whole', () => {
  expect(sha256('abc')).toBe(OF_ABC);
  expect(sha256OfParts(['a', new Uint8Array([98]), 'c'])).toBe(OF_ABC);
});

it('hashes a file, and stops when asked to', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gram-hash-'));
  try {
    const path = join(dir, 'abc');
    await writeFile(path, 'abc');
    expect(await sha256OfFile(path)).toBe(OF_ABC);
    await expect(sha256OfFile(path, AbortSignal.abort(new RangeError('stop')))).rejects.toThrow();
    await expect(sha256OfFile(join(dir, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('writes equal values as equal texts, and the text holds the value', () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const reversed = Object.fromEntries(Object.entries(record).reverse());
      expect(sha256OfValue(reversed)).toBe(sha256OfValue(record));
      expect(JSON.parse(canonicalJson(record))).toEqual(JSON.parse(JSON.stringify(record)));
    }),
  );
});
