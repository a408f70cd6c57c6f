import { EngineError } from '../error.js';

/** Arrays (or tensors) under names, nested as deep as is useful. A single leaf is a tree as well. */
export type Tree<Leaf> = Leaf | { readonly [name: string]: Tree<Leaf> };

/** Leaves by path, in a stable order; path parts are joined by `/`. */
export type FlatTree<Leaf> = ReadonlyMap<string, Leaf>;

/**
 * Lists the leaves of a tree depth first, in the order of the keys.
 *
 * @throws EngineError `bad-tree` for anything that is neither a leaf nor a plain object.
 */
export function flattenTree<Leaf>(
  tree: unknown,
  isLeaf: (value: unknown) => value is Leaf,
): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const visit = (value: unknown, path: string) => {
    if (isLeaf(value)) {
      leaves.set(path, value);
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, child] of Object.entries(value)) visit(child, path === '' ? name : `${path}/${name}`);
    } else {
      throw new EngineError(
        'bad-tree',
        `'${path}' is ${value === null ? 'null' : typeof value}, not an array or an object of arrays`,
        'pass trees of arrays made with float32(), int32() or scalar()',
      );
    }
  };
  visit(tree, '');
  return leaves;
}

/** Makes a tree of the same structure whose leaves are `leaf(value, path)`. */
export function mapTree<From, To>(
  tree: unknown,
  isLeaf: (value: unknown) => value is From,
  leaf: (value: From, path: string) => To,
): Tree<To> {
  const visit = (value: unknown, path: string): Tree<To> => {
    if (isLeaf(value)) return leaf(value, path);
    const out: Record<string, Tree<To>> = {};
    for (const [name, child] of Object.entries(value as object)) {
      out[name] = visit(child, path === '' ? name : `${path}/${name}`);
    }
    return out;
  };
  return visit(tree, '');
}

/** Whether `path` is `root` or lies below it. */
export function isUnder(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}
