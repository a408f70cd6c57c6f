import { createHash } from 'node:crypto';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@gram/base';
import type { ExampleCodec } from './codec.js';

// A store is a folder of three files. All numbers are little-endian.
//   examples.bin  the examples, one behind the other: the length of each list (int32), the numbers (float64), the lists (int32)
//   index.bin     three float64 for each example: its place in examples.bin, in bytes, its length and its weight
//   store.json    what the store holds, and the hashes of the other two

/** Version of the layout, and of what examples are: a new one when either changes. */
export const STORE_VERSION = 2;

/** Names of the files of a store. */
export const STORE_FILES = { examples: 'examples.bin', index: 'index.bin', about: 'store.json' } as const;

/** Numbers of an entry of the index. */
export const INDEX_WIDTH = 3;

/** Bytes that are gathered before they are written. */
const BLOCK = 2 ** 20;

/**
 * Writes a store of examples as they come, of which a block is in memory, and their index.
 *
 * @param notes what is to be kept about them, asked for after the last one
 */
export async function writeStore<Example>(
  folder: string,
  codec: ExampleCodec<Example>,
  examples: AsyncIterable<Example>,
  notes: () => object,
): Promise<void> {
  const index = new GrowingIndex();
  const handle = await open(join(folder, STORE_FILES.examples), 'wx');
  try {
    const blocks = new BlockWriter(handle);
    for await (const example of examples) {
      index.add(blocks.length, codec.length(example), codec.weight(example));
      await blocks.write(encodeExample(codec, example));
    }
    await blocks.flush();
    const places = index.bytes();
    await writeFile(join(folder, STORE_FILES.index), places);
    const about = {
      version: STORE_VERSION,
      kind: codec.name,
      count: index.count,
      bytes: blocks.length,
      sha256: { examples: blocks.sha256(), index: sha256(places) },
      notes: notes(),
    };
    await writeFile(join(folder, STORE_FILES.about), `${JSON.stringify(about, null, 2)}\n`);
  } finally {
    await handle.close();
  }
}

function encodeExample<Example>(codec: ExampleCodec<Example>, example: Example): Uint8Array {
  const { lists, numbers } = codec.write(example);
  const header = 4 * lists.length + 8 * numbers.length;
  const total = lists.reduce((sum, { length }) => sum + length, 0);
  const bytes = new ArrayBuffer(header + 4 * total);
  const view = new DataView(bytes);
  for (const [at, { length }] of lists.entries()) view.setInt32(4 * at, length, true);
  for (const [at, number] of numbers.entries()) view.setFloat64(4 * lists.length + 8 * at, number, true);
  let place = header;
  for (const list of lists) {
    new Int32Array(bytes, place, list.length).set(list);
    place += 4 * list.length;
  }
  return new Uint8Array(bytes);
}

/** Appends to a file block by block, and hashes what it writes. */
class BlockWriter {
  private readonly hash = createHash('sha256');
  private parts: Uint8Array[] = [];
  private waiting = 0;
  /** Bytes so far. */
  length = 0;

  constructor(private readonly handle: FileHandle) {}

  async write(bytes: Uint8Array): Promise<void> {
    this.parts.push(bytes);
    this.waiting += bytes.length;
    this.length += bytes.length;
    if (this.waiting >= BLOCK) await this.flush();
  }

  async flush(): Promise<void> {
    const block = Buffer.concat(this.parts, this.waiting);
    [this.parts, this.waiting] = [[], 0];
    this.hash.update(block);
    await this.handle.appendFile(block);
  }

  sha256(): string {
    return this.hash.digest('hex');
  }
}

/** The index while it grows, in one array that doubles. */
class GrowingIndex {
  private entries = new Float64Array(INDEX_WIDTH * 1024);
  count = 0;

  add(...entry: [place: number, length: number, weight: number]): void {
    if (INDEX_WIDTH * this.count === this.entries.length) {
      const longer = new Float64Array(2 * this.entries.length);
      longer.set(this.entries);
      this.entries = longer;
    }
    this.entries.set(entry, INDEX_WIDTH * this.count);
    this.count++;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.entries.buffer, 0, 8 * INDEX_WIDTH * this.count);
  }
}
