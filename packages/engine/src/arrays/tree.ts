import { EngineError } from '../error.js';

/** Arrays (or tensors) under names, nested to any depth. A single leaf is a tree as well. */
export type Tree<Leaf> = Leaf | { readonly [name: string]: Tree<Leaf> };

/**
 * Lists the leaves of a tree depth first, in the order of the keys. The parts of a path are joined by `/`.
 *
 * @throws {EngineError} `bad-tree` for anything that is neither a leaf nor a plain object
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
      for (const [name, child] of Object.entries(value)) visit(child, below(path, name));
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
    const children = Object.entries(value as object);
    return Object.fromEntries(children.map(([name, child]) => [name, visit(child, below(path, name))]));
  };
  return visit(tree, '');
}

/** Makes a tree of the same structure whose leaves are found under their paths. */
export function mapPaths<To>(
  tree: unknown,
  isLeaf: (value: unknown) => value is unknown,
  found: ReadonlyMap<string, To>,
): Tree<To> {
  return mapTree(tree, isLeaf, (_leaf, path) => at(found, path));
}

/**
 * Gives the value of a key that a map is known to have.
 *
 * @throws {Error} if it has not: a mistake of the caller
 */
export function at<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`nothing is known of '${String(key)}'`);
  return value;
}

/** Tells whether `path` is one of the roots or lies below one. */
export function isUnder(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(`${root}/`));
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}
