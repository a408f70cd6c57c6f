import { type AnyArray, isArray } from '../arrays/device-array.js';
import { isUnder, mapTree, type Tree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { TraceSpec } from '../trace/trace.js';

/** Shapes and element types of a tree of arrays. */
export type SpecTree = Tree<TraceSpec>;

/**
 * The specs of a tree of arrays with names in place of the sizes that may differ, and what they are now.
 *
 * @param dimensions names by path and axis; see `compile`
 * @throws EngineError `bad-array` when one name stands for two sizes, or a path for an array of another rank
 */
export function nameSizes(
  inputs: unknown,
  dimensions: Readonly<Record<string, readonly (string | null)[]>>,
): { specs: SpecTree; sizes: Map<string, number> } {
  const sizes = new Map<string, number>();
  const roots = Object.entries(dimensions);
  const specs = mapTree(inputs, isArray, ({ dtype, shape }: AnyArray, path): TraceSpec => {
    const names = roots.find(([root]) => isUnder(path, root))?.[1];
    if (names === undefined) return { dtype, shape };
    if (names.length !== shape.length) {
      throw new EngineError(
        'bad-array',
        `'${path}' has the shape [${shape}], its sizes were named [${names.map((name) => name ?? 'null')}]`,
        'name each axis of the array, with null for a fixed size',
      );
    }
    const named = shape.map((size, axis) => {
      const name = names[axis] ?? null;
      if (name === null) return size;
      if ((sizes.get(name) ?? size) !== size) {
        throw new EngineError(
          'bad-array',
          `${name} is ${sizes.get(name)}, but axis ${axis} of '${path}' has the size ${size}`,
          'pass arrays whose sizes of one name are equal',
        );
      }
      sizes.set(name, size);
      return name;
    });
    return { dtype, shape: named };
  });
  return { specs, sizes };
}
