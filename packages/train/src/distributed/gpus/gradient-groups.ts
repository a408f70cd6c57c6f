import { sizeOf } from '@gram/engine';
import { entryOf } from '../../checked.js';

/** Largest number of groups. The backward pass stops at the end of each, and the sums of 15 of 16 equal ones overlap with it. */
const MOST_GROUPS = 16;

/** Bytes of a number. */
const BYTES = 4;

/** Size of the buckets in which DistributedDataParallel of PyTorch sums gradients (Li et al. 2020), which measured it. */
export const BUCKET_BYTES = 25 * 2 ** 20;

type Shapes = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/**
 * Divides weights, which are in the order of the computation, into groups whose gradients are summed while those of the next are
 * computed: from the last weight to the first, as the backward pass comes to know them (Li et al., PyTorch Distributed, 2020).
 * A group has at least `bytes` of gradients and a sixteenth of all of them, but for the last one, which has the rest.
 */
export function gradientGroups(weights: Shapes, bytes: number): string[][] {
  const sizes = Object.entries(weights).map(([name, { shape }]) => [name, BYTES * sizeOf(shape)] as const);
  const all = sizes.reduce((sum, [, size]) => sum + size, 0);
  const least = Math.max(bytes, all / MOST_GROUPS);
  const groups: string[][] = [];
  let room = 0;
  for (const [name, size] of sizes.reverse()) {
    const group = room > 0 ? groups.at(-1) : undefined;
    if (group === undefined) {
      groups.push([name]);
      room = least - size;
    } else {
      group.push(name);
      room -= size;
    }
  }
  return groups;
}

/** Returns the bytes of the groups in which several GPUs sum the gradients of weights, in the order of the sums. */
export function gradientGroupBytes(weights: Shapes): number[] {
  return gradientGroups(weights, BUCKET_BYTES).map((names) =>
    names.reduce((sum, name) => sum + BYTES * sizeOf(entryOf(weights, name).shape), 0),
  );
}
