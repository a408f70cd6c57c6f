import {
  type FilePart,
  type GraphModel,
  type GraphNode,
  type GraphType,
  type Initializer,
  onnxTypes,
} from './model.js';

/** Where the bytes of a constant are. The length is that of its shape and type if it is not given. */
export interface ConstantSource extends Omit<FilePart, 'length'> {
  readonly length?: number;
  /** Element type in the file; other types are converted to the input's as the graph runs. @default the input's */
  readonly type?: GraphType;
}

/** Bytes of one element in a file. */
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

/** The graph with some of its inputs as constants whose bytes are elsewhere. */
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
