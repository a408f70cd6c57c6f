import type { DType } from '../../array.js';
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
  // The gradient of a gather: rows are added to where they were taken from.
  UnsortedSegmentSum: (call) => {
    const x = input(call, 'x');
    const ids = cast(call.graph, input(call, 'segmentIds'), 'int64');
    const shape = [attribute<number>(call, 'numSegments'), ...x.shape.slice(ids.shape.length)];
    const zeros = call.graph.filled(shape, 0, x.dtype);
    const indices = reshape(call.graph, ids, [...ids.shape, 1]);
    return call.graph.node('ScatterND', [zeros, indices, x], shape, x.dtype, {
      attributes: { reduction: { string: 'add' } },
    });
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
