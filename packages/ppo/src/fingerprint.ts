import { createHash } from 'node:crypto';
import type { PpoOptions } from './options.js';
import type { PpoRun } from './run.js';

/** Identifies a run by its options, prompts and first weights, not by its progress. Call it before the first step. */
export function fingerprintOf({ policy, value, prompts, validation }: PpoRun, options: PpoOptions): string {
  const hash = createHash('sha256').update(
    JSON.stringify(sorted({ options, policy: policy.config, value: value?.config, prompts, validation })),
  );
  for (const model of [policy, value]) {
    for (const [name, { data }] of Object.entries(model?.weights ?? {})) {
      hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  }
  return hash.digest('hex');
}

/** With the keys of objects in order, so that the order in which somebody wrote them does not matter. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
