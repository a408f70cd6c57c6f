import { type AnyArray, type DeviceName, sizeOf, sliceOf } from '@gram/engine';
import { elementAt, entryOf } from '../checked.js';

/** Shapes by name. */
export type Shapes = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/** A range of the numbers of one array. */
export interface Slice {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Properties of a run that decide how its weights are dealt out. */
export interface ShareOptions {
  /** Whether the optimizer updates each number by itself, so that an array may be cut; see `Optimizer`. */
  readonly isElementwise: boolean;
  /** Device of the arrays. Those of `webgpu` and `tensorflow` cannot be cut without a copy. */
  readonly device: DeviceName | 'auto';
}

/** Numbers to whose multiple an array is cut: 256 bytes, to which the memory of accelerators is aligned. */
const ALIGNMENT = 64;

/** Whether arrays on a device can be cut without a copy. */
const canCut = (device: DeviceName | 'auto') => device === 'cpu' || device.startsWith('cuda');

/**
 * Deals arrays out to ranks so that each has about the same number of values. The result depends on names, shapes and options
 * alone.
 *
 * Every array is cut into one part for each rank, of equal lengths but for the last, as FSDP of PyTorch does with each
 * parameter: a rank has its share of the largest array, and of every layer. Arrays that are too short for that go to one rank
 * each. Where arrays cannot be cut, whole ones are dealt out.
 *
 * @returns for each rank its slices, at most one of an array, in the order in which the arrays are given
 */
export function sharesOf(arrays: Shapes, ranks: number, { isElementwise, device }: ShareOptions): Slice[][] {
  return isElementwise && canCut(device) ? cutShares(arrays, ranks) : wholeShares(arrays, ranks);
}

function cutShares(arrays: Shapes, ranks: number): Slice[][] {
  const shares: Slice[][] = Array.from({ length: ranks }, () => []);
  for (const [i, [name, { shape }]] of Object.entries(arrays).entries()) {
    const length = sizeOf(shape);
    const part = Math.floor(length / ranks / ALIGNMENT) * ALIGNMENT;
    if (part === 0) {
      elementAt(shares, i % ranks).push({ name, start: 0, end: length });
      continue;
    }
    for (const [rank, share] of shares.entries()) {
      share.push({ name, start: rank * part, end: rank === ranks - 1 ? length : (rank + 1) * part });
    }
  }
  return shares;
}

/** Deals whole arrays out: the largest first, each to the rank that has the fewest values. */
export function wholeShares(arrays: Shapes, ranks: number): Slice[][] {
  const names = Object.keys(arrays);
  const size = (name: string) => sizeOf(entryOf(arrays, name).shape);
  const bySize = [...names].sort((a, b) => size(b) - size(a) || (a < b ? -1 : 1));
  const load = new Array<number>(ranks).fill(0);
  const owner = new Map<string, number>();
  for (const name of bySize) {
    const rank = load.indexOf(Math.min(...load));
    owner.set(name, rank);
    load[rank] = elementAt(load, rank) + size(name);
  }
  return load.map((_, rank) =>
    names.filter((name) => owner.get(name) === rank).map((name) => ({ name, start: 0, end: size(name) })),
  );
}

/**
 * Slices of arrays as arrays of their own in the same memory. One of a matrix has the shape `[1, n]`, because optimizers decay
 * matrices and not vectors.
 */
export function slicesOf<A extends AnyArray<'float32'>>(
  arrays: Readonly<Record<string, A>>,
  slices: readonly Slice[],
): Record<string, A> {
  return Object.fromEntries(
    slices.map(({ name, start, end }) => {
      const array = entryOf(arrays, name);
      const isWhole = start === 0 && end === sizeOf(array.shape);
      const shape = array.shape.length > 1 ? [1, end - start] : [end - start];
      return [name, isWhole ? array : (sliceOf(array, start, shape) as A)];
    }),
  );
}
