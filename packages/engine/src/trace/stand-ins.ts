import { flattenTree } from '../arrays/tree.js';
import { EngineError } from '../error.js';
import type { GraphModel } from '../onnx/model.js';
import { isTraceSpec, type SpecTree } from './spec.js';

/** The number that stands for each named size while a function is recorded. */
export type StandIns = ReadonlyMap<string, number>;

/** Candidates for stand-ins: primes above the sizes that models are built of, so that few sizes are multiples. */
const PRIMES = [
  211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331,
];

/** The names of sizes in a tree of specs. */
export function namedSizes(specs: SpecTree): string[] {
  return [...new Set(sizesIn(specs).filter((size) => typeof size === 'string'))];
}

/**
 * Chooses two sets of primes for the named sizes. None of them divides a size that is fixed.
 *
 * @throws {EngineError} `bad-array` when there are not enough primes
 */
export function standInsFor(names: readonly string[], specs: SpecTree): [StandIns, StandIns] {
  const sizes = sizesIn(specs).filter((size) => typeof size === 'number');
  const free = PRIMES.filter((prime) => sizes.every((size) => size % prime !== 0));
  if (free.length < 2 * names.length) {
    throw new EngineError('bad-array', `${names.length} named sizes are too many`, 'name fewer sizes');
  }
  const chosen = free.slice(0, 2 * names.length);
  const pairs = chosen.map((prime, i) => [names[i % names.length] ?? '', prime] as const);
  return [new Map(pairs.slice(0, names.length)), new Map(pairs.slice(names.length))];
}

/** Describes the first place where two graphs differ. */
export function firstDifference(a: GraphModel, b: GraphModel): string | undefined {
  for (const [i, node] of a.nodes.entries()) {
    if (JSON.stringify(node) !== JSON.stringify(b.nodes[i])) return `node ${i} is ${node.op}`;
  }
  if (a.nodes.length !== b.nodes.length) return 'the number of nodes changes';
  const others = constantsOf(b);
  for (const [i, { name, text }] of constantsOf(a).entries()) {
    if (text === others[i]?.text) continue;
    const user = a.nodes.find(({ inputs }) => inputs.includes(name));
    return `a constant that ${user?.op ?? 'an output'} reads`;
  }
  return JSON.stringify([a.inputs, a.outputs]) === JSON.stringify([b.inputs, b.outputs])
    ? undefined
    : 'the shape of an output';
}

function sizesIn(specs: SpecTree) {
  return [...flattenTree(specs, isTraceSpec).values()].flatMap(({ shape }) => shape);
}

function constantsOf(graph: GraphModel): { name: string; text: string }[] {
  return graph.initializers.map(({ name, shape, bytes }) => {
    // While a graph is recorded, all constants have bytes.
    const values = Buffer.from(bytes as Uint8Array).toString('base64');
    return { name, text: `${name} ${shape} ${values}` };
  });
}
