import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GGMLQuantizationType, gguf } from '@huggingface/gguf';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../error.js';
import { withFile } from '../files/read.js';
import {
  badText,
  emptyLists,
  type FileParts,
  ggufFile,
  nonsense,
  text,
  texts,
  uint32,
} from './__fixtures__/gguf-file.js';
import { typeName } from './blocks/tensor-types.js';
import { loadGguf, readGgufConfig } from './load-gguf.js';
import { readGgufHeader } from './parse.js';
import type { GgufValue } from './read-header.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gram-gguf-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function file(bytes: Uint8Array): Promise<string> {
  const path = join(dir, 'file.gguf');
  await writeFile(path, bytes);
  return path;
}

async function read(bytes: Uint8Array) {
  const path = await file(bytes);
  return withFile(path, (handle, size) => readGgufHeader(handle, size, path));
}

async function failure(work: Promise<unknown>): Promise<ModelError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelError);
  return error as ModelError;
}

/** A value of the metadata, or the items of a list. */
const plainOf = (value: GgufValue | undefined) => (typeof value === 'object' ? value.read() : value);

const F32 = 0;
const Q4_0 = 2;
const Q2_K = 10;
const tensor = (name: string, shape: bigint[], offset: bigint, type = F32) => ({ name, shape, offset, type });

describe('readGgufHeader', () => {
  it('gives metadata and the places of tensors, outermost dimension first', async () => {
    const { metadata, tensors } = await read(
      ggufFile({
        metadata: [
          ['a', text('größe')],
          ['b', texts(['x', 'y'])],
          ['general.alignment', uint32(64)],
        ],
        tensors: [tensor('m', [32n, 3n], 0n, Q4_0), tensor('v', [5n], 64n)],
        alignment: 64,
        dataBytes: 84,
      }),
    );
    expect([...metadata].map(([key, value]) => [key, plainOf(value)])).toEqual([
      ['a', 'größe'],
      ['b', ['x', 'y']],
      ['general.alignment', 64],
    ]);
    const start = tensors.get('m')!.start;
    expect(start % 64).toBe(0);
    expect([...tensors]).toEqual([
      ['m', { type: 'Q4_0', shape: [3, 32], size: 96, start, bytes: 54 }],
      ['v', { type: 'F32', shape: [5], size: 5, start: start + 64, bytes: 20 }],
    ]);
  });

  it('reads a header of several megabytes, with 200 000 tokens and merges', async () => {
    const tokens = Array.from({ length: 200_000 }, (_, i) => `token-${i}`);
    const merges = tokens.map((token) => `${token} ${token}`);
    const { metadata } = await read(
      ggufFile({
        metadata: [
          ['tokens', texts(tokens)],
          ['merges', texts(merges)],
        ],
      }),
    );
    expect(plainOf(metadata.get('tokens'))).toEqual(tokens);
    expect(plainOf(metadata.get('merges'))).toEqual(merges);
  });

  it('reads the items of a list when they are asked for, and refuses text that is not UTF-8 then', async () => {
    const bad = Buffer.from(texts(['x', '?']));
    bad[bad.length - 1] = 0xff;
    const { metadata } = await read(ggufFile({ metadata: [['a', bad]] }));
    const list = metadata.get('a');
    expect(list).toMatchObject({ length: 2 });
    expect(() => plainOf(list)).toThrow(expect.objectContaining({ code: 'bad-gguf' }));
  });

  it('takes keys and characters that have a meaning elsewhere for what they are', async () => {
    const metadata = ['__proto__', 'version', 'kv_count'].map((key) => [key, text('\uFEFFa\uFFFD')] as const);
    const found = await read(ggufFile({ metadata }));
    expect([...found.metadata]).toEqual(metadata.map(([key]) => [key, '\uFEFFa\uFFFD']));
  });

  it('gives what the parser of Hugging Face gives', async () => {
    for (const name of ['llama', 'llama-biased', 'qwen2', 'qwen3']) {
      const path = fileURLToPath(new URL(`./__fixtures__/${name}.gguf`, import.meta.url));
      const theirs = await gguf(path, { allowLocalFile: true });
      const { metadata, tensors } = await withFile(path, (handle, size) =>
        readGgufHeader(handle, size, path),
      );
      const { version: _, tensor_count: __, kv_count: ___, ...expected } = theirs.metadata;
      const values = [...metadata].map(([key, value]) => [key, plainOf(value)]);
      expect(Object.fromEntries(values)).toEqual(expected);
      expect([...tensors].map(([key, { type, shape }]) => [key, type, shape])).toEqual(
        theirs.tensorInfos.map(({ name: key, dtype, shape }) => [
          key,
          GGMLQuantizationType[dtype],
          shape.map(Number).reverse(),
        ]),
      );
      expect([...tensors.values()].map(({ start }) => BigInt(start))).toEqual(
        theirs.tensorInfos.map(({ offset }) => theirs.tensorDataOffset + offset),
      );
    }
  });

  it('knows the types of tensors by the numbers that others give them', () => {
    const numbers = Object.values(GGMLQuantizationType).filter((type) => typeof type === 'number');
    for (const number of numbers) expect(typeName(number)).toBe(GGMLQuantizationType[number]);
  });

  const manyTexts = ['a', 'b', 'c'].map((key) => [key, texts(Array(900_000).fill(''))] as const);
  const broken: [string, FileParts][] = [
    ['does not begin with GGUF', { magic: 'GGML' }],
    ['version 4', { version: 4 }],
    ['version 1', { version: 1 }],
    // The other order of bytes.
    ['version 50331648', { version: 0x03000000 }],
    ['9223372036854775808 tensors', { tensorCount: 2n ** 63n }],
    ['9223372036854775808 keys', { keyCount: 2n ** 63n }],
    ['ends within its header', { keyCount: 5n }],
    ['ends within its header', { tensorCount: 90_000n }],
    ['ends within its header', { metadata: [['a', texts([], 900_000n)]] }],
    ['1099511627776 items', { metadata: [['a', texts([], 2n ** 40n)]] }],
    ['unknown kind, 99', { metadata: [['a', nonsense()]] }],
    ['list of lists', { metadata: [['a', emptyLists(3)]] }],
    ['lists in its header are too large', { metadata: manyTexts }],
    ['bytes in a key', { metadata: [['k'.repeat(1001), uint32(1)]] }],
    ['repeated', { metadata: ['a', '__proto__', 'a'].map((key) => [key, uint32(1)]) }],
    ['a text in its header is not UTF-8', { metadata: [['a', badText]] }],
    ['alignment', { metadata: [['general.alignment', uint32(0)]] }],
    ['alignment', { metadata: [['general.alignment', uint32(48)]] }],
    ['alignment', { metadata: [['general.alignment', text('32')]] }],
    ['"a": its shape', { tensors: [tensor('a', [0n], 0n)] }],
    ['"a": its shape', { tensors: [tensor('a', [2n ** 31n, 2n ** 31n], 0n)] }],
    ['"a": its shape', { tensors: [tensor('a', [2n ** 63n], 0n)] }],
    ['5 dimensions', { tensors: [tensor('a', [1n, 1n, 1n, 1n, 1n], 0n)] }],
    ['"a": rows of 33', { tensors: [tensor('a', [33n], 0n, Q4_0)], dataBytes: 100 }],
    ['"a": its position overflows', { tensors: [tensor('a', [1n], 2n ** 60n)] }],
    ['"a": its position is not aligned', { tensors: [tensor('a', [1n], 4n)], dataBytes: 100 }],
    ['"a" ends at byte', { tensors: [tensor('a', [9n], 0n)], dataBytes: 35 }],
    ['"b" overlaps', { tensors: [tensor('a', [9n], 0n), tensor('b', [1n], 32n)], dataBytes: 100 }],
    ['the name "a"', { tensors: [tensor('a', [1n], 0n), tensor('a', [1n], 32n)], dataBytes: 100 }],
  ];
  it.each(broken)('refuses a broken file: %s', async (message, parts) => {
    const error = await failure(read(ggufFile(parts)));
    expect(error).toMatchObject({ code: 'bad-gguf', message: expect.stringContaining(message) });
  });

  it('refuses other types by name', async () => {
    const error = await failure(read(ggufFile({ tensors: [tensor('a', [256n], 0n, Q2_K)], dataBytes: 100 })));
    expect(error).toMatchObject({
      code: 'unsupported-dtype',
      message: expect.stringContaining('"a" has the type Q2_K'),
    });
  });

  it('refuses an empty file', async () => {
    expect(await failure(read(new Uint8Array()))).toMatchObject({ code: 'bad-gguf' });
  });

  it('refuses a header of more than 32 MB', async () => {
    const long = text('x'.repeat(9_000_000));
    const error = await failure(read(ggufFile({ metadata: ['a', 'b', 'c', 'd'].map((key) => [key, long]) })));
    expect(error).toMatchObject({
      code: 'bad-gguf',
      message: expect.stringContaining('limit of 32000000 bytes'),
    });
  });
});

describe('loadGguf of damaged files', () => {
  const llama = fileURLToPath(new URL('./__fixtures__/llama.gguf', import.meta.url));
  let whole: Buffer;
  /** Bytes before the weights, in which every value is allowed. */
  let header: number;
  beforeAll(async () => {
    whole = await readFile(llama);
    header = Math.min(...[...(await readGgufConfig(llama)).tensors.values()].map(({ start }) => start));
  });

  /** A damaged file is refused with a ModelError or gives a model of the size of the file. */
  async function check(bytes: Uint8Array): Promise<void> {
    const path = await file(bytes);
    try {
      const { weights } = await loadGguf(path);
      const elements = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
      expect(elements).toBeLessThan(8 * bytes.length);
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
    }
  }

  it('refuses every truncation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        await failure(loadGguf(await file(whole.subarray(0, length))));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('survives flipped bits', async () => {
    const flips = fc.array(fc.tuple(fc.nat(header - 1), fc.nat(7)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(flips, async (places) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, bit] of places) bytes[at]! ^= 1 << bit;
        await check(bytes);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('survives numbers that are large', async () => {
    const value = fc.constantFrom(0, 1, 0x7f, 0xff, 0xffff, 0xfffff, 0x7fffffff, 0xffffffff);
    await fc.assert(
      fc.asyncProperty(fc.nat(header - 1), value, async (at, number) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt32LE(number, at);
        await check(bytes);
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});
