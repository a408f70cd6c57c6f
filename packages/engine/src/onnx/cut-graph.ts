import { at } from '../arrays/tree.js';
import { VIEWS } from './aliasing.js';
import type { GraphModel, GraphNode, ValueInfo } from './model.js';

/** Operations whose result is a view of what they read, or larger than it. */
const CHEAP = new Set([...VIEWS, 'Expand', 'Shape', 'Size']);

/** Number of elements of the largest result that counts as arithmetic of sizes. */
const SIZES = 8;

/** Prefix of the name under which parts read an output of the graph that an earlier part has computed. */
const KEPT = 'kept:';

/** Nodes and values by part. */
interface Dealt {
  /** The part that computes a node first. */
  readonly owners: ReadonlyMap<GraphNode, number>;
  /** The nodes of each part. */
  readonly nodes: readonly ReadonlySet<GraphNode>[];
  /** Names of the results of earlier parts that each part reads. */
  readonly read: readonly ReadonlySet<string>[];
}

/**
 * Cuts a graph into parts that run one after the other. Each computes the outputs of a group and, of what these need, all that no part
 * before it has computed. A result that a later part reads is an output of the part that computes it and an input of the later one. It
 * goes there without its views, expansions and the like, which are computed again.
 *
 * An output belongs to the part that computes it: an earlier one than that of its group where an earlier group needs it. Later parts
 * read a copy of it, so that it may be changed as soon as its part has run.
 *
 * @param groups names of outputs; those that none names come with the first
 * @param values shape and type of every result that is no output, by name
 * @returns a part for each group; one without nodes where everything is computed before
 */
export function cutGraph(
  graph: GraphModel,
  groups: readonly (readonly string[])[],
  values: ReadonlyMap<string, ValueInfo>,
): GraphModel[] {
  const dealt = deal(graph, groups, values);
  const outputs = new Map(graph.outputs.map((info) => [info.name, info]));
  /** How parts that read a result of another one name it, and what it is. */
  const between = new Map(
    dealt.read.flatMap((names) =>
      [...names].map((name): [string, ValueInfo] => {
        const output = outputs.get(name);
        return [name, output === undefined ? at(values, name) : { ...output, name: KEPT + name }];
      }),
    ),
  );
  return groups.map((_, part) => partOf(graph, dealt, { part, between }));
}

/** Deals the nodes out: each goes to the first group that needs it, and again to later ones where that costs nothing. */
function deal(
  { nodes, outputs }: GraphModel,
  groups: readonly (readonly string[])[],
  values: ReadonlyMap<string, ValueInfo>,
): Dealt {
  const producers = producersOf(nodes);
  const repeated = repeatedNodes(nodes, values);
  const owners = new Map<GraphNode, number>();
  const named = new Set(groups.flat());
  const others = outputs.map(({ name }) => name).filter((name) => !named.has(name));
  const parts = groups.map((group, part) => {
    const own = new Set<GraphNode>();
    const read = new Set<string>();
    const isNew = (name: string) => {
      const node = producers.get(name);
      return node !== undefined && !owners.has(node);
    };
    const open = [...group, ...(part === 0 ? others : [])].filter(isNew);
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const node = producers.get(name);
      if (node === undefined || own.has(node)) continue;
      const owner = owners.get(node) ?? part;
      if (owner < part && !repeated.has(node)) {
        read.add(name);
        continue;
      }
      owners.set(node, owner);
      own.add(node);
      open.push(...node.inputs);
    }
    return { own, read };
  });
  return { owners, nodes: parts.map(({ own }) => own), read: parts.map(({ read }) => read) };
}

/** Nodes that are better computed again than kept: views and the like, and what is cheap and needs inputs of the graph alone. */
function repeatedNodes(nodes: readonly GraphNode[], values: ReadonlyMap<string, ValueInfo>) {
  const repeated = new Set<GraphNode>();
  /** Results that depend on something that is not computed again. */
  const computed = new Set<string>();
  for (const node of nodes) {
    const isGiven = node.inputs.every((name) => !computed.has(name));
    const isCheap = CHEAP.has(node.op) || (isGiven && (node.op === 'Cast' || areSizes(node, values)));
    if (isCheap) repeated.add(node);
    if (!isCheap || !isGiven) for (const name of node.outputs) computed.add(name);
  }
  return repeated;
}

function areSizes({ outputs }: GraphNode, values: ReadonlyMap<string, ValueInfo>): boolean {
  return outputs.every((name) => {
    const info = values.get(name);
    const elements = info?.shape.reduce<number>((product, n) => product * Number(n), 1) ?? Number.NaN;
    return info?.type === 'int64' && elements <= SIZES;
  });
}

/** The graph of one part. */
function partOf(
  graph: GraphModel,
  { owners, nodes, read }: Dealt,
  { part, between }: { readonly part: number; readonly between: ReadonlyMap<string, ValueInfo> },
): GraphModel {
  const renamed = (name: string) => between.get(name)?.name ?? name;
  const own = graph.nodes.filter((node) => nodes[part]?.has(node));
  const made = new Set(own.filter((node) => owners.get(node) === part).flatMap(({ outputs }) => outputs));
  const producers = producersOf(graph.nodes);
  const outputs = graph.outputs.filter(({ name }) => made.has(name) || (part === 0 && !producers.has(name)));
  const kept = [...between].filter(([name]) => made.has(name)).map(([, info]) => info);
  const copies = outputs
    .filter(({ name }) => between.has(name))
    .map(({ name }) => copyOf(renamed(name), name));
  const all = own.map((node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }));
  const used = new Set([...all.flatMap(({ inputs }) => inputs), ...outputs.map(({ name }) => name)]);
  return {
    nodes: [...all, ...copies],
    initializers: graph.initializers.filter(({ name }) => used.has(name)),
    inputs: [
      ...graph.inputs.filter(({ name }) => used.has(name)),
      ...[...(read[part] ?? [])].map((name) => at(between, name)),
    ],
    outputs: [...outputs, ...kept],
  };
}

const copyOf = (from: string, to: string): GraphNode => ({
  op: 'Identity',
  domain: '',
  inputs: [from],
  outputs: [to],
  attributes: {},
});

/** The node that computes each result, by name. An empty name stands for a result that is left out. */
function producersOf(nodes: readonly GraphNode[]): ReadonlyMap<string, GraphNode> {
  return new Map(
    nodes.flatMap((node) => node.outputs.filter((name) => name !== '').map((name) => [name, node] as const)),
  );
}
