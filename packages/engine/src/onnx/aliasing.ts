import type { GraphModel, GraphNode } from './model.js';

/** Operations whose output may be a view of their first input's memory. */
const VIEWS = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten']);

/** Operations that read how large an input is and none of its values. */
const MEASURES = new Set(['Shape', 'Size']);

/** Operations that read an element before they write the same element of the output. */
const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Where']);

/**
 * Operations that change some elements of an input and leave the others where they are. For each output that may have the memory
 * of an input, the list has the number of that input.
 */
const UPDATING: Readonly<Record<string, readonly (number | null)[]>> = {
  ScatterND: [0],
  GroupQueryAttention: [null, 3, 4],
};

/**
 * Tells whether an output may be written into the memory of an input.
 *
 * ONNX Runtime runs nodes in any order that respects their inputs. The write is therefore safe only if everything else that reads
 * the old value must have run before: each reader is an ancestor of the node that writes, or is that node itself and works
 * element by element or updates the old value.
 */
export function canWriteInPlace(graph: GraphModel, inputName: string, outputName: string): boolean {
  const writer = graph.nodes.find((node) => node.outputs.includes(outputName));
  // An input that is returned as it is, or one that the graph does not have.
  if (writer === undefined) return true;
  const before = ancestors(graph, writer);
  const buffers = new Set([inputName]);
  for (const node of graph.nodes) {
    const read = node.inputs.filter((name) => buffers.has(name));
    if (read.length === 0 || MEASURES.has(node.op)) continue;
    if (node === writer) {
      const direct = node.inputs.every((name) => !buffers.has(name) || name === inputName);
      const safe = ELEMENTWISE.has(node.op) || updates(node, inputName, outputName);
      if (!safe || !direct) return false;
    } else if (!before.has(node)) {
      return false;
    }
    // Whoever reads a view reads the input's memory as well.
    if (VIEWS.has(node.op) && read.includes(node.inputs[0] as string)) buffers.add(node.outputs[0] as string);
  }
  return true;
}

function updates({ op, inputs, outputs }: GraphNode, input: string, output: string): boolean {
  const place = UPDATING[op]?.[outputs.indexOf(output)];
  return place != null && inputs.indexOf(input) === place && inputs.lastIndexOf(input) === place;
}

function ancestors(graph: GraphModel, node: GraphNode): ReadonlySet<GraphNode> {
  const producers = new Map(graph.nodes.flatMap((each) => each.outputs.map((name) => [name, each] as const)));
  const found = new Set<GraphNode>();
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of next.inputs) {
      const producer = producers.get(name);
      if (producer !== undefined && !found.has(producer)) {
        found.add(producer);
        open.push(producer);
      }
    }
  }
  return found;
}
