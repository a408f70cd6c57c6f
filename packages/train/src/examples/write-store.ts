import { createHash } from 'node:crypto';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@gram/base';
import { INDEX_WIDTH, type PackedExamples } from './pack.js';

// A store is a folder of three files. All numbers are little-endian.
//   examples.bin  the examples, packed, see `packExamples`
//   index.bin     three float64 for each example: its place in examples.bin, in bytes, its length and its weight
//   store.json    what the store holds, and the hashes of the other two

/** Version of the layout, and of what examples are: a new one when either changes. */
export const STORE_VERSION = 3;

/** Names of the files of a store. */
export const STORE_FILES = { examples: 'examples.bin', index: 'index.bin', about: 'store.json' } as const;

/** Bytes that are gathered before they are written. */
const BLOCK = 2 ** 20;

/**
 * Writes a store of packed examples as they come, of which a block is in memory, and their index.
 *
 * @param kind name of the kind of the examples
 * @param notes what is to be kept about them, asked for after the last one
 */
export async function writeStore(
  folder: string,
  kind: string,
  packs: AsyncIterable<PackedExamples>,
  notes: () => object,
): Promise<void> {
  const index = new GrowingIndex();
  const handle = await open(join(folder, STORE_FILES.examples), 'wx');
  try {
    const blocks = new BlockWriter(handle);
    for await (const pack of packs) {
      index.add(pack.index, blocks.length);
      await blocks.write(pack.bytes);
    }
    await blocks.flush();
    const places = index.bytes();
    await writeFile(join(folder, STORE_FILES.index), places);
    const about = {
      version: STORE_VERSION,
      kind,
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

  /** Adds the entries of examples whose bytes begin at a place. */
  add(entries: Float64Array, start: number): void {
    const end = INDEX_WIDTH * this.count + entries.length;
    if (end > this.entries.length) {
      const longer = new Float64Array(Math.max(end, 2 * this.entries.length));
      longer.set(this.entries);
      this.entries = longer;
    }
    for (let at = 0; at < entries.length; at += INDEX_WIDTH) {
      const entry = entries.subarray(at, at + INDEX_WIDTH);
      this.entries.set(entry, INDEX_WIDTH * this.count);
      this.entries[INDEX_WIDTH * this.count] = start + (entry[0] ?? 0);
      this.count++;
    }
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.entries.buffer, 0, 8 * INDEX_WIDTH * this.count);
  }
}
