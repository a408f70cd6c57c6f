import type { FileHandle } from 'node:fs/promises';
import { writeFailed } from '../error.js';

/** A file that grows by whole pieces. */
export interface AppendedFile {
  /** Hands the piece to the operating system; pieces lie in the order of the calls. */
  append(piece: Uint8Array): Promise<void>;
  /** Makes the file last and closes it. Calls after the first have no effect. */
  close(): Promise<void>;
}

/**
 * Appends to an open file. A piece that could be written in part only (a full disk) is written over by the next one, so
 * that the file never holds a broken piece followed by others.
 *
 * @param handle open for writing, not for appending: appending would ignore positions
 * @param length bytes that the file has and keeps
 * @throws {ReportError} `write-failed`, from `append` and `close`
 */
export function createAppender(path: string, handle: FileHandle, length: number): AppendedFile {
  let end = length;
  let last: Promise<void> = Promise.resolve();
  let closed = false;

  async function write(piece: Uint8Array): Promise<void> {
    let written = 0;
    while (written < piece.length) {
      const { bytesWritten } = await handle.write(piece, written, piece.length - written, end + written);
      written += bytesWritten;
    }
    end += piece.length;
  }

  return {
    append(piece) {
      if (closed) return Promise.reject(writeFailed(path, new Error('it is closed')));
      const done = last.then(() => write(piece)).catch((cause) => Promise.reject(writeFailed(path, cause)));
      // One failure is told once, and does not keep later pieces from being tried.
      last = done.catch(() => {});
      return done;
    },
    async close() {
      if (closed) return;
      closed = true;
      await last;
      try {
        await handle.truncate(end);
        await handle.sync();
      } catch (cause) {
        throw writeFailed(path, cause);
      } finally {
        await handle.close();
      }
    },
  };
}
