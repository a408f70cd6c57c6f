import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Hashes bytes, or a string as its UTF-8 bytes. The result is hexadecimal SHA-256. */
export function sha256(data: string | NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Hashes the concatenation of all parts, see {@link sha256}. */
export function sha256OfParts(parts: Iterable<string | NodeJS.ArrayBufferView>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/**
 * Hashes a file, which is read piece by piece. The result is hexadecimal SHA-256.
 *
 * @throws {Error} the error of the file system where the file cannot be read; the reason of `signal` once that is aborted
 */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}

/** Hashes a value that JSON can hold, by {@link canonicalJson}. The result is hexadecimal SHA-256. */
export function sha256OfValue(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** Writes a value as JSON with the keys of every object in order, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
