import { canonicalJson, sha256OfParts } from '@gram/base';

/**
 * Identifies a run by what defines it, not by its progress: the SHA-256 of a description and of its data. A checkpoint
 * keeps it, and only a run with the same fingerprint resumes from that checkpoint.
 *
 * @param description options and architectures, as JSON can hold them; the order of keys does not matter
 * @param contents what is too large to describe, such as examples and weights
 */
export function fingerprint(
  description: unknown,
  contents: Iterable<string | NodeJS.ArrayBufferView> = [],
): string {
  return sha256OfParts(chained(canonicalJson(description), contents));
}

function* chained(
  first: string,
  rest: Iterable<string | NodeJS.ArrayBufferView>,
): Generator<string | NodeJS.ArrayBufferView> {
  yield first;
  yield* rest;
}
