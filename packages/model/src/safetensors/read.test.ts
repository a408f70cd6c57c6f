import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../error.js';
import expected from './__fixtures__/expected.json' with { type: 'json' };
import { readSafetensors } from './read.js';

const fixture = (name: string) =>
  fileURLToPath(new URL(`./__fixtures__/${name}.safetensors`, import.meta.url));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gram-safetensors-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A file from parts that need not fit each other. */
function fileOf(header: unknown, dataBytes: number, length?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes, 1)]);
}

async function read(bytes: Uint8Array) {
  const path = join(dir, 'file.safetensors');
  await writeFile(path, bytes);
  return readSafetensors(path);
}

async function failure(bytes: Uint8Array): Promise<ModelError> {
  const error = await read(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelError);
  return error as ModelError;
}

const f32 = (shape: unknown, data_offsets: unknown) => ({ dtype: 'F32', shape, data_offsets });

describe('readSafetensors on files of the reference implementation', () => {
  it.each(['f32', 'f16', 'bf16', 'mixed'] as const)('reads %s exactly', async (name) => {
    const { tensors, metadata } = await readSafetensors(fixture(name));
    const found = Object.entries(tensors).map(([key, { shape, data }]) => {
      return [key, { shape, bits: [...new Uint32Array(data.buffer)] }] as const;
    });
    expect({ metadata: { ...metadata }, tensors: Object.fromEntries(found) }).toEqual(expected[name]);
  });

  it('refuses other element types by name', async () => {
    const reading = readSafetensors(fixture('i64'));
    await expect(reading).rejects.toMatchObject({
      code: 'unsupported-dtype',
      message: expect.stringContaining('"ids" has the element type "I64"'),
    });
  });

  it('returns maps without a prototype', async () => {
    const { tensors, metadata } = await read(fileOf({ constructor: f32([1], [0, 4]) }, 4));
    expect(Object.getPrototypeOf(tensors)).toBeNull();
    expect(Object.getPrototypeOf(metadata)).toBeNull();
    expect(Object.keys(tensors)).toEqual(['constructor']);
  });
});

describe('readSafetensors on hostile files', () => {
  const cases: [string, Buffer, string][] = [
    ['too few bytes', Buffer.alloc(7), '7 bytes are too few'],
    ['a header longer than the file', fileOf('{}', 0, 3n), 'the header has 3 bytes, the whole file 10'],
    ['a header over the limit', fileOf('{}', 0, 100_000_001n), 'more than the limit'],
    ['a header length of 64 bits', fileOf('{}', 0, 2n ** 64n - 1n), 'more than the limit'],
    ['a header with leading space', fileOf(' {}', 0), 'does not begin with {'],
    ['an empty header', fileOf('', 0), 'does not begin with {'],
    ['an entry that is a number', fileOf({ a: 1 }, 0), '"a": its entry is not an object'],
    ['an entry without shape', fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'shape is not'],
    ['an unknown field', fileOf({ a: { ...f32([1], [0, 4]), x: 1 } }, 4), 'unknown field "x"'],
    ['a negative size', fileOf({ a: f32([-1], [0, 4]) }, 4), 'shape is not a list of sizes'],
    ['a fractional size', fileOf({ a: f32([1.5], [0, 4]) }, 4), 'shape is not a list of sizes'],
    ['a shape of text', fileOf({ a: f32('11', [0, 4]) }, 4), 'shape is not a list of sizes'],
    ['an overflowing shape', fileOf({ a: f32([2 ** 30, 2 ** 30], [0, 4]) }, 4), 'shape overflows'],
    ['three offsets', fileOf({ a: f32([1], [0, 4, 8]) }, 4), 'not a pair of positions'],
    ['a negative offset', fileOf({ a: f32([1], [-4, 0]) }, 4), 'not a pair of positions'],
    ['offsets in the wrong order', fileOf({ a: f32([1], [4, 0]) }, 4), 'ends before it begins'],
    ['bytes unlike the shape', fileOf({ a: f32([2], [0, 4]) }, 4), 'takes 8 bytes, data_offsets span 4'],
    ['an end beyond the file', fileOf({ a: f32([1000], [0, 4000]) }, 4), 'take 4000 bytes, the file has 4'],
    ['bytes that no tensor covers', fileOf({ a: f32([1], [0, 4]) }, 8), 'take 4 bytes, the file has 8'],
    ['a hole', fileOf({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12), '"b" leaves a hole'],
    ['a hole at the start', fileOf({ a: f32([1], [4, 8]) }, 8), '"a" leaves a hole'],
    ['an overlap', fileOf({ a: f32([2], [0, 8]), b: f32([2], [4, 12]) }, 12), '"b" overlaps'],
    ['two names for one range', fileOf({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }, 4), '"b" overlaps'],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }, 0), '__metadata__ "a" is not a string'],
    ['metadata that is a list', fileOf({ __metadata__: [] }, 0), '__metadata__ is not an object'],
  ];
  it.each(cases)('refuses %s', async (_, bytes, message) => {
    const error = await failure(bytes);
    expect(error.code).toBe('bad-safetensors');
    expect(error.message).toContain(message);
  });

  const entry = JSON.stringify(f32([1], [0, 4]));
  const json: [string, string, string][] = [
    ['repeated names', `{"a":${entry},"a":${entry}}`, 'repeats the key "a"'],
    ['names repeated through an escape', `{"a":${entry},"\\u0061":${entry}}`, 'repeats the key "a"'],
    [
      'a repeated field',
      '{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}',
      'the key "dtype"',
    ],
    ['__proto__', `{"__proto__":${entry}}`, 'the key "__proto__"'],
    ['__proto__ in metadata', `{"__metadata__":{"__proto__":"x"},"a":${entry}}`, 'the key "__proto__"'],
    ['deep nesting', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, 'nests more than'],
    ['many values', `{"a":[${'0,'.repeat(1_000_001)}0]}`, 'holds more than'],
    ['broken JSON', '{"a":', 'is not valid JSON'],
    ['an open string', '{"a', 'is not valid JSON'],
  ];
  it.each(json)('refuses %s', async (_, header, message) => {
    const error = await failure(fileOf(header, 4));
    expect(error.code).toBe('bad-json');
    expect(error.message).toContain(message);
  });

  it('refuses a header that is not UTF-8', async () => {
    const bytes = fileOf('{"aa":1}', 0);
    bytes[10] = 0xff;
    expect((await failure(bytes)).code).toBe('bad-json');
  });

  it('names a tensor that memory cannot hold', async () => {
    const path = join(dir, 'sparse.safetensors');
    const elements = 2 ** 40;
    const bytes = fileOf({ a: f32([elements], [0, 4 * elements]) }, 0);
    await writeFile(path, bytes);
    // As long as the header says, but it takes no space on disk.
    await truncate(path, bytes.length + 4 * elements);
    await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'too-large' });
  });

  it('names a path that is missing or not a file', async () => {
    await expect(readSafetensors(join(dir, 'none'))).rejects.toMatchObject({ code: 'file-missing' });
    await expect(readSafetensors(dir)).rejects.toMatchObject({ code: 'read-failed' });
  });

  it('escapes a hostile name in messages', async () => {
    const error = await failure(fileOf({ 'a\n\u001b[2J': 1 }, 0));
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });
});

describe('readSafetensors under mutation', () => {
  const valid = fileOf(
    {
      __metadata__: { format: 'pt' },
      'a.weight': f32([2, 3], [0, 24]),
      'b.weight': { dtype: 'F16', shape: [4], data_offsets: [24, 32] },
      'c.weight': { dtype: 'BF16', shape: [2], data_offsets: [32, 36] },
    },
    36,
  );

  it('gives consistent tensors or a ModelError', async () => {
    const change = fc.record({ at: fc.nat(valid.length - 1), flip: fc.nat(255) });
    const outcomes = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 4 }),
        fc.oneof({ weight: 9, arbitrary: fc.constant(valid.length) }, fc.nat(valid.length)),
        async (changes, length) => {
          const bytes = Uint8Array.from(valid);
          for (const { at, flip } of changes) bytes[at]! ^= flip;
          try {
            const { tensors } = await read(bytes.subarray(0, length));
            // The data has 36 bytes, all in tensors: at least 9 elements, at most 18.
            const sizes = Object.values(tensors).map(({ shape, data }) => {
              expect(shape.reduce((n, dim) => n * dim, 1)).toBe(data.length);
              return data.length;
            });
            const total = sizes.reduce((a, b) => a + b, 0);
            expect(total).toBeGreaterThanOrEqual(9);
            expect(total).toBeLessThanOrEqual(18);
            outcomes.read++;
          } catch (error) {
            if (!(error instanceof ModelError)) throw error;
            outcomes.refused++;
          }
        },
      ),
      { numRuns: 1000, seed: 11 },
    );
    // Both happen, so that neither half of the property is idle.
    expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(50);
  });

  it('refuses every shorter file', async () => {
    for (let length = 0; length < valid.length; length++) {
      await expect(read(valid.subarray(0, length))).rejects.toBeInstanceOf(ModelError);
    }
  });
});
