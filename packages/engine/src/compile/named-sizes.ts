import { type AnyArray, isArray } from '../arrays/device-array.js';
import { isUnder, mapTree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { SpecTree, TraceSpec } from '../trace/spec.js';

/** Names of the sizes of arrays, by path and axis; null for a size that is fixed. */
export type SizeNames = Readonly<Record<string, readonly (string | null)[]>>;

/**
 * Replaces the sizes that differ from call to call with names, and gives their values in this call.
 *
 * @param known values that other inputs give to names. @default none
 * @throws {EngineError} `bad-array` when one name stands for two sizes, or a path for an array of another rank
 */
export function nameSizes(
  inputs: unknown,
  dimensions: SizeNames,
  known: ReadonlyMap<string, number> = new Map(),
): { specs: SpecTree; sizes: Map<string, number> } {
  const sizes = new Map(known);
  const roots = Object.entries(dimensions);
  const specs = mapTree(inputs, isArray, (array: AnyArray, path): TraceSpec => {
    const names = roots.find(([root]) => isUnder(path, [root]))?.[1];
    return names === undefined
      ? { dtype: array.dtype, shape: array.shape }
      : named(path, array, names, sizes);
  });
  return { specs, sizes };
}

/** The spec of one array with names, whose values are added to `sizes`. */
function named(
  path: string,
  { dtype, shape }: AnyArray,
  names: readonly (string | null)[],
  sizes: Map<string, number>,
): TraceSpec {
  if (names.length !== shape.length) {
    throw new EngineError(
      'bad-array',
      `'${path}' has the shape [${shape}], its sizes were named [${names.map((name) => name ?? 'null')}]`,
      'name each axis of the array, with null for a fixed size',
    );
  }
  const dimensions = shape.map((size, axis) => {
    const name = names[axis] ?? null;
    if (name === null) return size;
    const known = sizes.get(name) ?? size;
    if (known !== size) {
      throw new EngineError(
        'bad-array',
        `${name} is ${known}, but axis ${axis} of '${path}' has the size ${size}`,
        'pass arrays whose sizes of one name are equal',
      );
    }
    sizes.set(name, size);
    return name;
  });
  return { dtype, shape: dimensions };
}
