import type { DType } from '../arrays/array.js';
import { attribute, cast, input, type KernelMapping, type KernelTable, normalizeAxis } from './kernel.js';

const reduce =
  (op: string): KernelMapping =>
  (call) => {
    const x = input(call, 'x');
    // Max alone calls its axes 'reductionIndices'.
    const given =
      attribute<number[] | number | null | undefined>(call, 'axis') ??
      attribute<number[] | number | null | undefined>(call, 'reductionIndices');
    const listed = given == null ? [] : Array.isArray(given) ? given : [given];
    const axes = (listed.length === 0 ? x.shape.map((_, i) => i) : listed).map((a) =>
      normalizeAxis(a, x.shape.length),
    );
    if (axes.length === 0) return x;
    const keepDims = attribute<boolean | undefined>(call, 'keepDims') ?? false;
    const shape = x.shape.flatMap((dim, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [dim]));
    const attributes = { keepdims: { int: keepDims ? 1 : 0 } };
    // A sum of squares needs no array of squares.
    const root = op === 'ReduceSum' ? call.graph.squareRoot(x) : undefined;
    const [fusedOp, source] = root === undefined ? [op, x] : ['ReduceSumSquare', root];
    return call.graph.node(fusedOp, [source, call.graph.int64(axes)], shape, x.dtype, { attributes });
  };

const argReduce =
  (op: string): KernelMapping =>
  (call) => {
    const x = input(call, 'x');
    const axis = normalizeAxis(attribute<number>(call, 'axis'), x.shape.length);
    const shape = x.shape.filter((_, i) => i !== axis);
    const index = call.graph.node(op, [x], shape, 'int64', {
      attributes: { axis: { int: axis }, keepdims: { int: 0 } },
    });
    return cast(call.graph, index, 'int32');
  };

const alongAxis =
  (op: string, inputName: string, axisName: string): KernelMapping =>
  (call) => {
    const x = input(call, inputName);
    const axis = normalizeAxis(attribute<number>(call, axisName), x.shape.length);
    return call.graph.node(op, [x], x.shape, 'float32' satisfies DType, {
      attributes: { axis: { int: axis } },
    });
  };

/** Sums, extremes and normalizations along axes. */
export const reduction: KernelTable = {
  Sum: reduce('ReduceSum'),
  Mean: reduce('ReduceMean'),
  Max: reduce('ReduceMax'),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  ArgMax: argReduce('ArgMax'),
  ArgMin: argReduce('ArgMin'),
  Softmax: alongAxis('Softmax', 'logits', 'dim'),
  LogSoftmax: alongAxis('LogSoftmax', 'logits', 'axis'),
  Cumsum: (call) => {
    const x = input(call, 'x');
    const axis = call.graph.constant(
      [normalizeAxis(attribute<number>(call, 'axis'), x.shape.length)],
      [],
      'int64',
    );
    return call.graph.node('CumSum', [x, axis], x.shape, x.dtype, {
      attributes: {
        exclusive: { int: attribute<boolean>(call, 'exclusive') ? 1 : 0 },
        reverse: { int: attribute<boolean>(call, 'reverse') ? 1 : 0 },
      },
    });
  },
};
