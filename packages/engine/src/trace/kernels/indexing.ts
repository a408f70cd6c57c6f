import { type DType, sizeOf } from '../../array.js';
import { attribute, cast, input, type KernelTable, normalizeAxis, reshape } from './kernel.js';

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
    return call.graph.node('GatherND', [x, cast(call.graph, indices, 'int64')], shape, x.dtype);
  },
  // Where an index repeats, which of its updates stays is not defined.
  TensorScatterUpdate: (call) => {
    const x = input(call, 'tensor');
    const indices = cast(call.graph, input(call, 'indices'), 'int64');
    return call.graph.node('ScatterND', [x, indices, input(call, 'updates')], x.shape, x.dtype);
  },
  // The gradient of a gather: rows are added to where they were taken from. Not ScatterND, whose
  // sums ONNX Runtime splits over threads that overwrite each other where an index repeats.
  UnsortedSegmentSum: (call) => {
    const x = input(call, 'x');
    const ids = cast(call.graph, input(call, 'segmentIds'), 'int64');
    const rows = sizeOf(ids.shape);
    const width = sizeOf(x.shape.slice(ids.shape.length));
    const segments = attribute<number>(call, 'numSegments');
    const zeros = call.graph.filled([segments, width], 0, x.dtype);
    const columns = reshape(call.graph, ids, [rows, 1]);
    const indices = call.graph.node(
      'Expand',
      [columns, call.graph.int64([rows, width])],
      [rows, width],
      'int64',
    );
    const summed = call.graph.node(
      'ScatterElements',
      [zeros, indices, reshape(call.graph, x, [rows, width])],
      [segments, width],
      x.dtype,
      { attributes: { axis: { int: 0 }, reduction: { string: 'add' } } },
    );
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
