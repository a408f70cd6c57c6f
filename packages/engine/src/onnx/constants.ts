import {
  type FilePart,
  type GraphModel,
  type GraphNode,
  type GraphType,
  type Initializer,
  onnxTypes,
} from './model.js';

/** Place of the bytes of a constant. @default for the length, that of the shape and the type */
export interface ConstantSource extends Omit<FilePart, 'length'> {
  readonly length?: number;
  /** Element type in the file. Other types are converted to that of the input when the graph runs. @default the input's */
  readonly type?: GraphType;
}

/** Number of bytes of one element in a file. */
export const fileBytes: Readonly<Record<GraphType, number>> = {
  float32: 4,
  int32: 4,
  int64: 8,
  float16: 2,
  bfloat16: 2,
  bool: 1,
  int8: 1,
  uint8: 1,
};

/** Turns some inputs of a graph into constants whose bytes lie elsewhere. */
export function withConstants(graph: GraphModel, sources: ReadonlyMap<string, ConstantSource>): GraphModel {
  if (sources.size === 0) return graph;
  const initializers: Initializer[] = [];
  const casts: GraphNode[] = [];
  for (const { name, type, shape } of graph.inputs) {
    const source = sources.get(name);
    if (source === undefined) continue;
    const fixed = shape as readonly number[];
    const stored = source.type ?? type;
    const length = source.length ?? fixed.reduce((product, size) => product * size, fileBytes[stored]);
    const { location, offset } = source;
    const stem = stored === type ? name : `${name}:${stored}`;
    initializers.push({ name: stem, type: stored, shape: fixed, bytes: { location, offset, length } });
    if (stored !== type) {
      const attributes = { to: { int: onnxTypes[type] } };
      casts.push({ op: 'Cast', domain: '', inputs: [stem], outputs: [name], attributes });
    }
  }
  return {
    ...graph,
    nodes: [...casts, ...graph.nodes],
    inputs: graph.inputs.filter(({ name }) => !sources.has(name)),
    initializers: [...graph.initializers, ...initializers],
  };
}
