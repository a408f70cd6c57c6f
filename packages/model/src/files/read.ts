import { type FileHandle, open, stat } from 'node:fs/promises';
import { isMissing, systemCode } from '@gram/base';
import { ModelError } from '../error.js';

function readError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  if (isMissing(error)) {
    return new ModelError('file-missing', `${path} does not exist`, 'check the path', { cause: error });
  }
  return new ModelError(
    'read-failed',
    `${path} could not be read (${code})`,
    'check the permissions and the disk',
    {
      cause: error,
    },
  );
}

/** Whether something exists at the path; a dangling link does not. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw readError(error, path);
  }
}

/**
 * Opens a regular file for reading. Links are followed, because the Hugging Face cache is made of them.
 * `use` gets the handle and the size in bytes; the handle is closed afterwards.
 */
export async function withFile<T>(
  path: string,
  use: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  try {
    // Before opening: to open a pipe would wait for its writer.
    const before = await stat(path);
    if (!before.isFile()) {
      throw new ModelError('read-failed', `${path} is not a regular file`, 'pass the path of a file');
    }
    const handle = await open(path, 'r');
    try {
      return await use(handle, (await handle.stat()).size);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw readError(error, path);
  }
}

// One read call takes less than 2 GiB.
const READ_BYTES = 1 << 30;

/** Fills `bytes` from `position` of the file. A file that ends too early is an error. */
export async function readFully(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(READ_BYTES, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, length, position + done);
    if (bytesRead === 0) {
      throw new ModelError(
        'read-failed',
        `${path} became shorter while it was read`,
        'read it when it is complete',
      );
    }
    done += bytesRead;
  }
}
