import { type DType, sizeOf } from '../arrays/array.js';
import type { GraphBuilder, Value } from '../graph/graph-builder.js';
import { attribute, cast, input, type KernelTable, normalizeAxis, reshape } from './kernel.js';

/**
 * Makes zeros of a large shape when the graph runs. A constant would stay in the memory of every executable: for the gradient of
 * an embedding, that is a whole embedding matrix each time. The zeros come from a value of the run, because the runtime computes
 * what depends on constants alone once, and keeps it.
 */
function zerosFrom(graph: GraphBuilder, values: Value, shape: readonly [number, number]): Value {
  const { dtype } = values;
  const edges = [graph.int64([0, 0]), graph.int64([1, 1]), graph.int64([0, 1])] as const;
  const first = graph.node('Slice', [values, ...edges], [1, 1], dtype);
  const zero = graph.node('Sub', [first, first], [1, 1], dtype);
  return graph.node('Expand', [zero, graph.int64(shape)], shape, dtype);
}

/** Adds rows to those of `base` that `indices` number, which is repeated for every column. */
function scatterAdd(graph: GraphBuilder, base: Value, indices: Value, rows: Value): Value {
  return graph.node('ScatterElements', [base, indices, rows], base.shape, base.dtype, {
    attributes: { axis: { int: 0 }, reduction: { string: 'add' } },
  });
}

/**
 * Adds the sum of scattered rows to a value of its shape: the rows are added to that value, and the zeros that they were added to are
 * not needed. For the gradient of an embedding that is also the head, these are two matrices of its size less.
 *
 * @returns undefined where `sum` is none
 */
export function addScattered(graph: GraphBuilder, base: Value, sum: Value): Value | undefined {
  const known = graph.scattered.get(sum.name);
  // A tensor may show the sum in another shape, and the sum of other shapes repeats one of them.
  const isAlike = ({ shape }: Value) => String(shape) === String(base.shape);
  if (known === undefined || ![sum, known.sum].every(isAlike)) return undefined;
  return scatterAdd(graph, base, known.indices, known.rows);
}

/** Kernels that look values up by index, and their gradients. */
export const indexing: KernelTable = {
  GatherV2: (call) => {
    const x = input(call, 'x');
    const indices = input(call, 'indices');
    const axis = normalizeAxis(attribute<number>(call, 'axis'), x.shape.length);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return call.graph.node('Gather', [x, indices], shape, x.dtype, { attributes: { axis: { int: axis } } });
  },
  GatherNd: (call) => {
    const x = input(call, 'params');
    const indices = input(call, 'indices');
    const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(indices.shape.at(-1))];
    // CUDA has none for int32, which would leave the device (1.30).
    const values = call.graph.target === 'cuda' && x.dtype === 'int32' ? cast(call.graph, x, 'int64') : x;
    const places = cast(call.graph, indices, 'int64');
    return cast(call.graph, call.graph.node('GatherND', [values, places], shape, values.dtype), x.dtype);
  },
  // Where an index repeats, it is undefined which of its updates stays.
  TensorScatterUpdate: (call) => {
    const x = input(call, 'tensor');
    const indices = cast(call.graph, input(call, 'indices'), 'int64');
    return call.graph.node('ScatterND', [x, indices, input(call, 'updates')], x.shape, x.dtype);
  },
  // The gradient of a gather, which adds rows to where they were taken from. It is not ScatterND, whose sums ONNX Runtime
  // splits over threads that overwrite each other where an index repeats.
  UnsortedSegmentSum: (call) => {
    const x = input(call, 'x');
    const ids = cast(call.graph, input(call, 'segmentIds'), 'int64');
    const rows = sizeOf(ids.shape);
    const width = sizeOf(x.shape.slice(ids.shape.length));
    const segments = attribute<number>(call, 'numSegments');
    const values = reshape(call.graph, x, [rows, width]);
    const zeros = zerosFrom(call.graph, values, [segments, width]);
    const columns = reshape(call.graph, ids, [rows, 1]);
    const indices = call.graph.node(
      'Expand',
      [columns, call.graph.int64([rows, width])],
      [rows, width],
      'int64',
    );
    const summed = scatterAdd(call.graph, zeros, indices, values);
    call.graph.scattered.set(summed.name, { sum: summed, indices, rows: values });
    return reshape(call.graph, summed, [segments, ...x.shape.slice(ids.shape.length)]);
  },
  OneHot: (call) => {
    const indices = input(call, 'indices');
    const depth = call.graph.constant([attribute<number>(call, 'depth')], [], 'int32');
    const dtype = attribute<DType | undefined>(call, 'dtype') ?? 'int32';
    const values = [attribute<number>(call, 'offValue'), attribute<number>(call, 'onValue')];
    const shape = [...indices.shape, attribute<number>(call, 'depth')];
    // ONNX Runtime has this operation for float32 values only.
    const hot = call.graph.node(
      'OneHot',
      [indices, depth, call.graph.constant(values, [2], 'float32')],
      shape,
      'float32',
      {
        attributes: { axis: { int: -1 } },
      },
    );
    return cast(call.graph, hot, dtype);
  },
};
