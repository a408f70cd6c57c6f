import { createHash } from 'node:crypto';

/**
 * Identifies a run by what defines it, not by its progress: the SHA-256 of a description and of its data. A checkpoint
 * keeps it, and only a run with the same fingerprint resumes from that checkpoint.
 *
 * @param description options and architectures, as JSON can hold them; the order of keys does not matter
 * @param contents what is too large to describe, such as examples and weights
 */
export function fingerprint(description: unknown, contents: Iterable<string | Uint8Array> = []): string {
  const hash = createHash('sha256').update(JSON.stringify(withSortedKeys(description)));
  for (const content of contents) hash.update(content);
  return hash.digest('hex');
}

function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withSortedKeys(inner)]));
}
