import { type FileHandle, open, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@gram/base';
import { z } from 'zod';
import { elementAt } from '../checked.js';
import { TrainError } from '../error.js';
import type { ExampleCodec } from './codec.js';
import { INDEX_WIDTH, unpackExample } from './pack.js';
import type { ExampleSource } from './source.js';
import { STORE_FILES, STORE_VERSION } from './write-store.js';

const aboutSchema = z.object({
  version: z.literal(STORE_VERSION),
  kind: z.string(),
  count: z.int().min(0),
  bytes: z.int().min(0),
  sha256: z.object({ examples: z.string(), index: z.string() }),
  notes: z.unknown(),
});

/** A store on disk: its examples, and what was noted about them. */
export interface ExampleStore<Example> extends ExampleSource<Example> {
  readonly notes: unknown;
}

/**
 * Opens a store. Its index is read, and its examples when they are asked for; no file stays open.
 *
 * @returns undefined where there is none, or one that is not whole or of another version
 */
export async function openStore<Example>(
  folder: string,
  codec: ExampleCodec<Example>,
): Promise<ExampleStore<Example> | undefined> {
  const about = await readAbout(folder, codec);
  if (about === undefined) return undefined;
  const bytes = await readFile(join(folder, STORE_FILES.index)).catch(() => undefined);
  const found = await stat(join(folder, STORE_FILES.examples)).catch(() => undefined);
  if (bytes === undefined || sha256(bytes) !== about.sha256.index || found?.size !== about.bytes)
    return undefined;
  // Copied, so that it begins where 64-bit numbers may.
  const index = new Float64Array(new Uint8Array(bytes).buffer);
  if (index.length !== INDEX_WIDTH * about.count) return undefined;
  const file = new ExampleFile(folder, codec, index, about.bytes);
  return {
    count: about.count,
    length: (at) => elementAt(index, INDEX_WIDTH * at + 1),
    weight: (at) => elementAt(index, INDEX_WIDTH * at + 2),
    read: (indices) => file.read(indices),
    identity: () => [codec.name, about.sha256.examples],
    notes: about.notes,
  };
}

async function readAbout(folder: string, { name }: { readonly name: string }) {
  const path = join(folder, STORE_FILES.about);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const about = aboutSchema.safeParse(JSON.parse(text));
    return about.success && about.data.kind === name ? about.data : undefined;
  } catch {
    return undefined;
  }
}

/** Time after which a store that is read says that it is in use. */
const TOUCH_MILLISECONDS = 60 * 60 * 1000;

/** Reads examples of a file by their places. */
class ExampleFile<Example> {
  private touched = 0;

  constructor(
    private readonly folder: string,
    private readonly codec: ExampleCodec<Example>,
    private readonly index: Float64Array,
    private readonly end: number,
  ) {}

  /** @throws {TrainError} `bad-examples` where the file is gone or is not what the index says */
  async read(indices: readonly number[]): Promise<Example[]> {
    await this.touch();
    const path = join(this.folder, STORE_FILES.examples);
    const handle = await open(path, 'r').catch((cause: Error) => {
      throw damaged(this.folder, `cannot be read: ${cause.message}`, cause);
    });
    try {
      return await Promise.all(indices.map((index) => this.one(handle, index)));
    } finally {
      await handle.close();
    }
  }

  private async one(handle: FileHandle, index: number): Promise<Example> {
    const place = elementAt(this.index, INDEX_WIDTH * index);
    const end = this.index[INDEX_WIDTH * (index + 1)] ?? this.end;
    const bytes = new Uint8Array(end - place);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, place);
    const example = bytesRead === bytes.length ? unpackExample(this.codec, bytes.buffer) : undefined;
    if (example !== undefined) return example;
    throw damaged(this.folder, `are damaged at example ${index + 1}`);
  }

  /** Stores that nobody used for long are removed, see `cachedStore`. */
  private async touch(): Promise<void> {
    const now = Date.now();
    if (now - this.touched < TOUCH_MILLISECONDS) return;
    this.touched = now;
    // Somebody else's cache may not be writable, and is not removed by us either.
    await utimes(join(this.folder, STORE_FILES.about), now / 1000, now / 1000).catch(() => undefined);
  }
}

function damaged(folder: string, problem: string, cause?: unknown): TrainError {
  return new TrainError(
    'bad-examples',
    `the encoded examples in ${folder} ${problem}`,
    'delete the folder and run it again; they are then encoded anew',
    { cause },
  );
}
