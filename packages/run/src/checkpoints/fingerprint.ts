import { canonicalJson, sha256OfParts } from '@gram/base';
import { settingRows } from '../report/settings.js';

/**
 * Identifies a run by what it is made of and not by its progress: a SHA-256 for each part, by the name of the part. A
 * checkpoint keeps it, and only a run with the same parts goes on from that checkpoint.
 */
export type Fingerprint = Readonly<Record<string, string>>;

/**
 * Hashes one part of a run.
 *
 * @param description what JSON can hold; the order of keys does not matter
 * @param contents what is too large to describe, such as examples and weights
 */
export function fingerprintOf(
  description: unknown,
  contents: Iterable<string | NodeJS.ArrayBufferView> = [],
): string {
  return sha256OfParts(chained(canonicalJson(description) ?? '', contents));
}

/** Hashes each setting as a part of its own, so that a refusal can name the one that differs; nested ones have their path. */
export function fingerprintsOf(settings: object): Fingerprint {
  return Object.fromEntries(settingRows(settings).map(([key, value]) => [key, fingerprintOf(value)]));
}

/** Hashes weights by name, element type, shape and values. */
export function fingerprintOfWeights(
  weights: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: NodeJS.ArrayBufferView }>
  >,
): string {
  const names = Object.keys(weights).sort();
  return fingerprintOf(
    names.map((name) => [name, weights[name]?.shape]),
    names.flatMap((name) => weights[name]?.data ?? []),
  );
}

/** The names of the parts in which two runs differ, a part that only one of them has included. */
export function differingParts(one: Fingerprint, other: Fingerprint): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]);
}

function* chained(
  first: string,
  rest: Iterable<string | NodeJS.ArrayBufferView>,
): Generator<string | NodeJS.ArrayBufferView> {
  yield first;
  yield* rest;
}
