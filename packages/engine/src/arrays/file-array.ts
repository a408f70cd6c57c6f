import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { EngineError } from '../error.js';
import { type ArraySpec, bytesPerElement, type DType, type NDArray, sizeOf } from './array.js';
import { DeviceArray, type Storage } from './device-array.js';

/**
 * A file that holds the values of arrays. Links are followed, and the file must stay as it is: each use compares its size and its
 * times with those at the start.
 */
export class ArrayFile {
  /** Absolute path of the file itself. */
  readonly path: string;
  private readonly identity: string;
  private handle: number | undefined;

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

  /**
   * Reads a part of the file at once, for parts so small that a turn of the event loop would take longer. The file stays open, and is
   * compared with what it was when it is opened.
   *
   * @throws {EngineError} `bad-file`
   */
  readPart(into: Uint8Array, position: number): void {
    if (this.handle === undefined) {
      this.check();
      this.handle = openSync(this.path, 'r');
      opened.register(this, this.handle);
    }
    for (let done = 0; done < into.length; ) {
      const read = readSync(this.handle, into, done, into.length - done, position + done);
      if (read === 0) throw unreadable(this.path, new RangeError('it is too short'));
      done += read;
    }
  }
}

/** Closes files whose arrays are collected. */
const opened = new FinalizationRegistry<number>((handle) => closeSync(handle));

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

  /**
   * Reads rows of a table by their numbers, which count from its end where they are negative.
   *
   * @throws {EngineError} `bad-array` for a row that the table does not have, `bad-file`
   */
  readRows({ dtype, shape: [count = 0, ...row] }: ArraySpec, numbers: Int32Array, into: NDArray): void {
    const bytes = sizeOf(row) * bytesPerElement[dtype];
    const { buffer, byteOffset } = into.data;
    for (const [at, number] of numbers.entries()) {
      const from = number < 0 ? number + count : number;
      if (from < 0 || from >= count) {
        throw new EngineError(
          'bad-array',
          `row ${number} was asked for, a table has ${count}`,
          'pass numbers of rows that it has',
        );
      }
      this.file.readPart(new Uint8Array(buffer, byteOffset + at * bytes, bytes), this.offset + from * bytes);
    }
  }

  dispose(): void {}
}

// One read call takes less than 2 GiB.
const LARGEST_READ = 1 << 30;

/**
 * Makes an array whose values stay in a file, little-endian and row after row. As one of the `constants` of `compile` it takes no memory of its own on the CPU: the
 * runtime maps the file, packs what products read, and keeps of the rest only the parts that are used; rows that are looked up in a
 * large table are read before the function runs. `place` copies it to another
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
