import { sizeOf } from '../arrays/array.js';
import type { GraphBuilder, Value } from '../graph/graph-builder.js';
import { attribute, cast, input, type KernelTable, normalizeAxis, reshape, sizeAt } from './kernel.js';

/** Cuts `size[axis]` elements from `begin[axis]` on out of each axis; a negative size stands for all that follow. */
function slice(graph: GraphBuilder, x: Value, begin: readonly number[], size: readonly number[]): Value {
  const ranges = x.shape.map((length, axis) => {
    const [start = 0, count = -1] = [begin[axis], size[axis]];
    return { axis, length, start, count: count < 0 ? length - start : count };
  });
  // Only the axes that are cut: the node is shorter, and ONNX Runtime copies larger pieces.
  const cut = ranges.filter(({ length, count }) => count !== length);
  if (cut.length === 0) return x;
  const limits = [
    cut.map(({ start }) => start),
    cut.map(({ start, count }) => start + count),
    cut.map(({ axis }) => axis),
  ];
  const shape = ranges.map(({ count }) => count);
  return graph.node('Slice', [x, ...limits.map((numbers) => graph.int64(numbers))], shape, x.dtype);
}

/** The shape with another size in one axis. */
function withSize(shape: readonly number[], axis: number, size: number): number[] {
  return shape.map((before, i) => (i === axis ? size : before));
}

/** Kernels that move values without computing new ones. */
export const shaping: KernelTable = {
  Reshape: (call) => {
    const x = input(call, 'x');
    const sizes = attribute<number[]>(call, 'shape');
    const known = sizes.reduce((product, dim) => (dim < 0 ? product : product * dim), 1);
    return reshape(
      call.graph,
      x,
      sizes.map((dim) => (dim < 0 ? sizeOf(x.shape) / known : dim)),
    );
  },
  ExpandDims: (call) => {
    const x = input(call, 'input');
    const axis = normalizeAxis(attribute<number>(call, 'dim'), x.shape.length + 1);
    return reshape(call.graph, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
  },
  Transpose: (call) => {
    const x = input(call, 'x');
    const perm = attribute<number[]>(call, 'perm');
    if (perm.every((from, to) => from === to)) return x;
    return call.graph.node(
      'Transpose',
      [x],
      perm.map((axis) => sizeAt(x, axis)),
      x.dtype,
      {
        attributes: { perm: { ints: perm } },
      },
    );
  },
  Slice: (call) => {
    const x = input(call, 'x');
    // TensorFlow.js passes the plain number that a vector was cut with. What is left out stands for all of an axis.
    const perAxis = (name: string, absent: number) => {
      const given = [attribute<number | readonly number[] | undefined>(call, name)].flat();
      return x.shape.map((_, axis) => given[axis] ?? absent);
    };
    return slice(call.graph, x, perAxis('begin', 0), perAxis('size', -1));
  },
  SplitV: (call) => {
    const x = input(call, 'x');
    const axis = normalizeAxis(attribute<number>(call, 'axis'), x.shape.length);
    const splits = attribute<number[] | number>(call, 'numOrSizeSplits');
    const length = sizeAt(x, axis);
    const equal = typeof splits === 'number' ? Array<number>(splits).fill(length / splits) : splits;
    const rest = length - equal.reduce((total, size) => total + Math.max(size, 0), 0);
    const sizes = equal.map((size) => (size < 0 ? rest : size));
    const outputs = sizes.map((size) => ({
      shape: withSize(x.shape, axis, size),
      dtype: x.dtype,
    }));
    return call.graph.nodeWithOutputs('Split', [x, call.graph.int64(sizes)], outputs, {
      attributes: { axis: { int: axis } },
    });
  },
  Concat: (call) => {
    const parts = Object.values(call.inputs);
    const first = parts[0] as Value;
    if (parts.length === 1) return first;
    const axis = normalizeAxis(attribute<number>(call, 'axis'), first.shape.length);
    const length = parts.reduce((total, part) => total + sizeAt(part, axis), 0);
    const shape = withSize(first.shape, axis, length);
    return call.graph.node('Concat', parts, shape, first.dtype, { attributes: { axis: { int: axis } } });
  },
  Pack: (call) => {
    const parts = Object.values(call.inputs);
    const first = parts[0] as Value;
    const axis = normalizeAxis(attribute<number>(call, 'axis'), first.shape.length + 1);
    const unit = [...first.shape.slice(0, axis), 1, ...first.shape.slice(axis)];
    const shape = withSize(unit, axis, parts.length);
    const units = parts.map((part) => reshape(call.graph, part, unit));
    return call.graph.node('Concat', units, shape, first.dtype, { attributes: { axis: { int: axis } } });
  },
  Unpack: (call) => {
    const x = input(call, 'value');
    const axis = normalizeAxis(attribute<number>(call, 'axis'), x.shape.length);
    const unit = withSize(x.shape, axis, 1);
    const shape = x.shape.filter((_size, i) => i !== axis);
    return Array.from({ length: sizeAt(x, axis) }, (_, index) => {
      const begin = x.shape.map((_size, i) => (i === axis ? index : 0));
      return reshape(call.graph, slice(call.graph, x, begin, unit), shape);
    });
  },
  PadV2: (call) => {
    const x = input(call, 'x');
    const paddings = attribute<[number, number][]>(call, 'paddings');
    const value = call.graph.constant([attribute<number>(call, 'constantValue')], [], x.dtype);
    const pads = call.graph.int64([
      ...paddings.map(([before]) => before),
      ...paddings.map(([, after]) => after),
    ]);
    const shape = paddings.map(([before, after], axis) => before + sizeAt(x, axis) + after);
    return call.graph.node('Pad', [x, pads, value], shape, x.dtype);
  },
  Tile: (call) => {
    const x = input(call, 'x');
    const reps = attribute<number[]>(call, 'reps');
    const shape = reps.map((count, axis) => count * sizeAt(x, axis));
    const tiled = (values: Value) =>
      call.graph.node('Tile', [values, call.graph.int64(reps)], shape, values.dtype);
    // CUDA has none for Booleans, which would leave the device (1.30).
    const isMissing = call.graph.target === 'cuda' && x.dtype === 'bool';
    return isMissing ? cast(call.graph, tiled(cast(call.graph, x, 'int32')), 'bool') : tiled(x);
  },
  Fill: (call) => {
    const dtype = attribute<'float32' | 'int32' | 'bool' | undefined>(call, 'dtype') ?? 'float32';
    return call.graph.filled(attribute(call, 'shape'), attribute(call, 'value'), dtype);
  },
  Range: (call) => {
    const [start, stop, step] = ['start', 'stop', 'step'].map((name) => attribute<number>(call, name)) as [
      number,
      number,
      number,
    ];
    const dtype = attribute<'float32' | 'int32'>(call, 'dtype');
    if ([start, stop, step].some((number) => call.graph.isNamed(number))) {
      const limits = [start, stop, step].map((number) => call.graph.constant([number], [], dtype));
      return call.graph.node('Range', limits, [Math.max(0, Math.ceil((stop - start) / step))], dtype);
    }
    const values = Array.from(
      { length: Math.max(0, Math.ceil((stop - start) / step)) },
      (_, i) => start + i * step,
    );
    return call.graph.constant(values, [values.length], dtype);
  },
  ZerosLike: (call) => call.graph.filled(input(call, 'x').shape, 0, input(call, 'x').dtype),
  OnesLike: (call) => call.graph.filled(input(call, 'x').shape, 1, input(call, 'x').dtype),
};
