import { VIEWS } from './aliasing.js';
import type { GraphModel, GraphNode, ValueInfo } from './model.js';

/** Rows of a table that a graph takes by the values of one of its inputs, and that can be read for it before it runs. */
export interface GatheredRows {
  /** The rows, as an input of the graph. */
  readonly info: ValueInfo;
  /** Name of the constant that is the table. */
  readonly table: string;
  /** Name of the input that numbers the rows. */
  readonly indices: string;
}

/**
 * Makes inputs of the rows that a graph takes of large tables. The runtime would map a table to find them, and the system maps many
 * pages around each: for a few hundred tokens, most of an embedding of which a row has some kilobytes.
 *
 * @param tables names of constants
 * @param values shape and type of every result, by name
 * @returns the graph without these nodes, and what has to be read for it
 */
export function withGatheredRows(
  graph: GraphModel,
  tables: ReadonlySet<string>,
  values: ReadonlyMap<string, ValueInfo>,
): { readonly graph: GraphModel; readonly rows: readonly GatheredRows[] } {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const inputs = new Map(graph.inputs.map((info) => [info.name, info]));
  const found = new Map<GraphNode, GatheredRows>();
  for (const node of graph.nodes) {
    const [table = '', numbers = ''] = node.inputs;
    const isTaken = node.op === 'Gather' && tables.has(table) && isFirstAxis(node);
    // A result of the whole graph has no entry, and stays.
    const info = isTaken ? values.get(node.outputs[0] ?? '') : undefined;
    const indices = inputs.get(originOf(numbers, producers));
    if (info === undefined || indices?.type !== 'int32' || tables.has(indices.name)) continue;
    found.set(node, { info, table, indices: indices.name });
  }
  if (found.size === 0) return { graph, rows: [] };
  const rows = [...found.values()];
  return {
    graph: {
      ...graph,
      nodes: graph.nodes.filter((node) => !found.has(node)),
      inputs: [...graph.inputs, ...rows.map(({ info }) => info)],
    },
    rows,
  };
}

function isFirstAxis({ attributes: { axis } }: GraphNode): boolean {
  return axis === undefined || ('int' in axis && axis.int === 0);
}

/** Name of the value that another one is a view of. */
function originOf(name: string, producers: ReadonlyMap<string, GraphNode>): string {
  let origin = name;
  for (let node = producers.get(origin); node !== undefined; node = producers.get(origin)) {
    if (!VIEWS.has(node.op)) break;
    origin = node.inputs[0] ?? '';
  }
  return origin;
}
