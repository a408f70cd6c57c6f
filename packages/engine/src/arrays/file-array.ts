import { realpathSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { EngineError } from '../error.js';
import type { ArraySpec, DType, NDArray } from './array.js';
import { DeviceArray, type Storage } from './device-array.js';

/**
 * A file that holds the values of arrays. Links are followed, and the file must stay as it is: each use compares its size and its
 * times with those at the start.
 */
export class ArrayFile {
  /** Absolute path of the file itself. */
  readonly path: string;
  private readonly identity: string;

  /** @throws {EngineError} `bad-file` where there is none */
  constructor(path: string) {
    try {
      this.path = realpathSync(path);
      this.identity = fileIdentity(this.path);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  /** @throws {EngineError} `bad-file` where the file was changed, replaced or deleted */
  check(): void {
    let now: string;
    try {
      now = fileIdentity(this.path);
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
    if (now !== this.identity) throw unreadable(this.path, new Error('it was changed since it was opened'));
  }
}

/** A text that differs between files and, as far as the system's clock tells, between contents of one. */
export function fileIdentity(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function unreadable(path: string, cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EngineError('bad-file', `${path} cannot be read: ${reason}`, 'load the model again', { cause });
}

/** A part of a file as the memory of an array. */
export class FileStorage implements Storage {
  constructor(
    readonly file: ArrayFile,
    /** Position of the first byte. */
    readonly offset: number,
  ) {}

  async read(into: NDArray): Promise<void> {
    const { buffer, byteOffset, byteLength } = into.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.file.check();
    const { path } = this.file;
    let handle: FileHandle | undefined;
    try {
      handle = await open(path);
      for (let done = 0; done < byteLength; ) {
        const length = Math.min(LARGEST_READ, byteLength - done);
        const { bytesRead } = await handle.read(bytes, done, length, this.offset + done);
        if (bytesRead === 0) throw new RangeError('it is too short');
        done += bytesRead;
      }
    } catch (cause) {
      throw unreadable(path, cause);
    } finally {
      await handle?.close();
    }
  }

  dispose(): void {}
}

// One read call takes less than 2 GiB.
const LARGEST_READ = 1 << 30;

/**
 * Makes an array whose values stay in a file, little-endian and row after row. As one of the `constants` of `compile` it takes no memory of its own on the CPU: the
 * runtime maps the file, packs what products read, and keeps of the rest only the parts that are used. `place` copies it to another
 * device, and `read()` of the array into host memory. It cannot be an input that changes.
 *
 * @param offset position of the first byte
 * @throws {EngineError} `bad-array` on a machine whose numbers begin with the most significant byte
 */
export function fileArray<D extends DType>(
  { dtype, shape }: ArraySpec & { readonly dtype: D },
  file: ArrayFile,
  offset: number,
): DeviceArray<D> {
  if (endianness() !== 'LE') {
    throw new EngineError(
      'bad-array',
      'this machine cannot read numbers from files in place',
      'read them first',
    );
  }
  return new DeviceArray('cpu', dtype, shape, new FileStorage(file, offset));
}

/** The file that holds an array's values; undefined where they are in memory. */
export function fileOf(array: unknown): FileStorage | undefined {
  return array instanceof DeviceArray && array.storage instanceof FileStorage ? array.storage : undefined;
}
