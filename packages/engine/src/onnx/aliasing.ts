import type { GraphModel, GraphNode } from './model.js';

/** Operations whose output may be a view of their first input's memory. */
export const VIEWS = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten']);

/** Operations that read how large an input is and none of its values. */
const MEASURES = new Set(['Shape', 'Size']);

/** Operations that read an element before they write the same element of the output. */
const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Where']);

/**
 * Operations that change some elements of an input and leave the others where they are. For each output that may have the memory
 * of an input, the list has the number of that input.
 */
const UPDATING: Readonly<Record<string, readonly (number | null)[]>> = {
  ScatterElements: [0],
  ScatterND: [0],
  GroupQueryAttention: [null, 3, 4],
};

/** Whether an output of a graph may be written into the memory of an input, by their names. */
export type InPlaceTest = (inputName: string, outputName: string) => boolean;

/**
 * Makes the test of a graph whether an output may be written into the memory of an input.
 *
 * ONNX Runtime runs nodes in any order that respects their inputs. The write is therefore safe only if everything else that reads
 * the old value must have run before: each reader is an ancestor of the node that writes, or is that node itself and works
 * element by element or updates the old value.
 */
export function inPlaceTest({ nodes }: GraphModel): InPlaceTest {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const readersOf = (name: string) => (readers.get(name) ?? []).filter(({ op }) => !MEASURES.has(op));
  return (inputName, outputName) => {
    const writer = producers.get(outputName);
    // An input that is returned as it is, or one that the graph does not have.
    if (writer === undefined) return true;
    // Whoever reads a view reads the input's memory as well. A set visits what is added to it.
    const buffers = new Set([inputName]);
    for (const buffer of buffers) {
      for (const { op, inputs, outputs } of readersOf(buffer)) {
        if (VIEWS.has(op) && inputs[0] === buffer) buffers.add(outputs[0] as string);
      }
    }
    const others = [...buffers].flatMap(readersOf).filter((node) => node !== writer);
    if (others.length > 0) {
      const before = ancestors(producers, writer);
      if (!others.every((node) => before.has(node))) return false;
    }
    if (!writer.inputs.some((name) => buffers.has(name))) return true;
    const isDirect = writer.inputs.every((name) => !buffers.has(name) || name === inputName);
    return isDirect && (ELEMENTWISE.has(writer.op) || updates(writer, inputName, outputName));
  };
}

function updates({ op, inputs, outputs }: GraphNode, input: string, output: string): boolean {
  const place = UPDATING[op]?.[outputs.indexOf(output)];
  return place != null && inputs.indexOf(input) === place && inputs.lastIndexOf(input) === place;
}

function ancestors(producers: ReadonlyMap<string, GraphNode>, node: GraphNode): ReadonlySet<GraphNode> {
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
