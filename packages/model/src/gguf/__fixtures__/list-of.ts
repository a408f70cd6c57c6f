import type { GgufList, GgufScalar } from '../read-header.js';

/** A list of the metadata with these items. */
export function listOf(items: readonly GgufScalar[]): GgufList {
  return { length: items.length, read: () => items };
}
