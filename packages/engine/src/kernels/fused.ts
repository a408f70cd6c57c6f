import type { GraphBuilder, Value } from '../graph/graph-builder.js';
import { UNSIGNED_ZERO_POINT } from '../graph/target.js';
import { contribDomain } from '../onnx/model.js';
import { attribute, cast, input, type KernelCall, type KernelTable, sizeAt } from './kernel.js';

/** Stands for an optional input that is absent. */
const ABSENT: Value = { name: '', shape: [], dtype: 'float32' };

/**
 * `accuracy_level` of a product with integers in blocks: the left side is rounded to 8 bits, block by block. On a CPU with AVX-512
 * such a product with 4 bits took 0.4 to 0.6 times as long as one in float32, which is level 0, for 1 and 8 rows, and 0.7 to 0.9 times for
 * 512. The error is that of the weights, 0.083 of the result: the rounding adds 0.0002 to it.
 */
const PRODUCT_OF_INTEGERS = 4;

/** Mappings of the kernels of `src/fused` to operators, most of which ONNX Runtime adds to the standard ones. */
export const fused: KernelTable = {
  GramRmsNorm: (call) => {
    const [x, gain] = [input(call, 'x'), input(call, 'gain')];
    const one = [...x.shape.slice(0, -1), 1];
    const eps = attribute<number>(call, 'eps');
    const options = { attributes: { axis: { int: -1 }, epsilon: { float: eps }, stash_type: { int: 1 } } };
    const op = 'SimplifiedLayerNormalization';
    if (call.graph.target !== 'webgpu') {
      return call.graph.nodeWithOutputs(op, [x, gain], [x, { shape: one, dtype: 'float32' }], options);
    }
    // The operator of WebGPU leaves the second result unwritten.
    return [call.graph.node(op, [x, gain], x.shape, x.dtype, options), inverseRoot(call.graph, x, eps)];
  },
  GramRotaryEmbedding: (call) => {
    const x = input(call, 'x');
    const { positions } = call.inputs;
    // A single number stands for a run of positions that starts there.
    const ids = positions === undefined ? call.graph.int64([0]) : cast(call.graph, positions, 'int64');
    return call.graph.node(
      'RotaryEmbedding',
      [x, ids, input(call, 'cos'), input(call, 'sin')],
      x.shape,
      x.dtype,
      { domain: contribDomain, attributes: { num_heads: { int: attribute<number>(call, 'heads') } } },
    );
  },
  GramCausalAttention: (call) => {
    const [batch, length] = input(call, 'query').shape as [number, number, number];
    const last = call.graph.filled([batch], length, 'int32');
    const seen = call.graph.node('Sub', [last, call.graph.constant([1], [1], 'int32')], [batch], 'int32');
    const total = call.graph.constant([length], [], 'int32');
    return attention(call, { keys: ABSENT, values: ABSENT, capacity: length, seen, total });
  },
  GramCachedAttention: (call) => {
    const [keys, values] = [input(call, 'pastKeys'), input(call, 'pastValues')];
    const positions = input(call, 'positions');
    const longest = call.graph.node('ReduceMax', [positions, call.graph.int64([0])], [], 'int32', {
      attributes: { keepdims: { int: 0 } },
    });
    const total = call.graph.node('Add', [longest, call.graph.constant([1], [], 'int32')], [], 'int32');
    return attention(call, { keys, values, capacity: sizeAt(keys, 2), seen: positions, total });
  },
  GramRoundForCache: (call) => {
    const { graph } = call;
    const x = input(call, 'x');
    const scaled = graph.node('Div', [x, input(call, 'scales')], x.shape, 'float32');
    const rounded = graph.node('Round', [scaled], x.shape, 'float32');
    const [least, most] = [-127, 127].map((end) => graph.constant([end], [], 'float32')) as [Value, Value];
    return cast(graph, graph.node('Clip', [rounded, least, most], x.shape, 'float32'), 'int8');
  },
  GramInt8MatMul: (call) => {
    if (call.graph.target === 'cuda') return productOfIntegers(call);
    const [x, scales] = [input(call, 'x'), input(call, 'scales')];
    const [values, ...zeroPoint] = int8Weights(call);
    const shape = [...x.shape.slice(0, -1), sizeAt(values, 1)];
    return call.graph.node('DynamicQuantizeMatMul', [x, values, scales, ...zeroPoint], shape, 'float32', {
      domain: contribDomain,
    });
  },
  GramBlockMatMul: (call) => {
    const [x, packed, scales] = [input(call, 'x'), input(call, 'packed'), input(call, 'scales')];
    const [outputs, blocks] = scales.shape as [number, number];
    const block = attribute<number>(call, 'block');
    const attributes = {
      K: { int: blocks * block },
      N: { int: outputs },
      bits: { int: (8 * sizeAt(packed, 2)) / block },
      block_size: { int: block },
      accuracy_level: { int: PRODUCT_OF_INTEGERS },
    };
    return call.graph.node(
      'MatMulNBits',
      [x, packed, scales],
      [...x.shape.slice(0, -1), outputs],
      'float32',
      {
        domain: contribDomain,
        attributes,
      },
    );
  },
  GramLogSoftmax: (call) => {
    const x = input(call, 'x');
    return call.graph.node('LogSoftmax', [x], x.shape, x.dtype, { attributes: { axis: { int: -1 } } });
  },
  GramAfter: (call) => {
    const [x, signal] = [input(call, 'x'), input(call, 'signal')];
    return x.shape.length === 0 ? x : after(call.graph, x, signal);
  },
};

/** The 8-bit weights, and their zero point unless it is 0, in the form that is exact where the graph will run. */
function int8Weights({ graph, inputs, ...call }: KernelCall): [Value, ...Value[]] {
  const values = input({ graph, inputs, ...call }, 'values');
  const { zeroPoint } = inputs;
  if (values.dtype === 'uint8' || graph.int8Kernel === 'signed') {
    return zeroPoint === undefined ? [values] : [values, zeroPoint];
  }
  const shift = graph.constant([UNSIGNED_ZERO_POINT], [], 'int32');
  const shifted = (value: Value) =>
    cast(graph, graph.node('Add', [cast(graph, value, 'int32'), shift], value.shape, 'int32'), 'uint8');
  return [shifted(values), shifted(zeroPoint ?? graph.constant([0], [], 'int8'))];
}

/**
 * Multiplies by 8-bit weights without rounding the left side. CUDA has no products with them in the runtime, which would
 * compute each on the CPU with a copy there and back. Each type of products holds all integers of 8 bits exactly.
 */
function productOfIntegers(call: KernelCall): Value {
  const { graph, inputs } = call;
  const { precision } = graph;
  const [x, values, scales] = [input(call, 'x'), input(call, 'values'), input(call, 'scales')];
  const integers = cast(graph, values, precision);
  const weights =
    inputs.zeroPoint === undefined
      ? integers
      : graph.node('Sub', [integers, cast(graph, inputs.zeroPoint, precision)], values.shape, precision);
  const shape = [...x.shape.slice(0, -1), sizeAt(values, 1)];
  const product = graph.node('MatMul', [cast(graph, x, precision), weights], shape, precision);
  return graph.node('Mul', [cast(graph, product, 'float32'), scales], shape, 'float32');
}

/** Computes 1 / sqrt(mean(x^2) + eps) over the last axis. */
function inverseRoot(graph: GraphBuilder, x: Value, eps: number): Value {
  const shape = [...x.shape.slice(0, -1), 1];
  const square = graph.node('Mul', [x, x], x.shape, 'float32');
  const mean = graph.node('ReduceMean', [square, graph.int64([x.shape.length - 1])], shape, 'float32', {
    attributes: { keepdims: { int: 1 } },
  });
  const shifted = graph.node('Add', [mean, graph.constant([eps], [], 'float32')], shape, 'float32');
  const root = graph.node('Sqrt', [shifted], shape, 'float32');
  return graph.node('Reciprocal', [root], shape, 'float32');
}

/** The cache that attention reads beside the projections of its own positions. */
interface Past {
  readonly keys: Value;
  readonly values: Value;
  /** Number of positions that the cache has room for. */
  readonly capacity: number;
  /** `[B]` int32, one less than the number of keys that the last query of each row sees. */
  readonly seen: Value;
  /** int32, the largest number of keys that a query sees. */
  readonly total: Value;
}

/** Appends the attention operator. */
function attention(call: KernelCall, { keys, values, capacity, seen, total }: Past): Value[] {
  const [query, key, value] = ['query', 'key', 'value'].map((name) => input(call, name)) as [
    Value,
    Value,
    Value,
  ];
  const [heads, groups] = [attribute<number>(call, 'heads'), attribute<number>(call, 'groups')];
  const softCap = attribute<number | undefined>(call, 'softCap');
  const window = attribute<number | undefined>(call, 'window');
  const headDim = sizeAt(query, 2) / heads;
  const { keyScales, valueScales } = call.inputs;
  const isRounded = keyScales !== undefined && valueScales !== undefined;
  const dtype = isRounded ? ('int8' as const) : ('float32' as const);
  const cache = { shape: [sizeAt(query, 0), groups, capacity, headDim], dtype };
  // Between the numbers of positions and the scales there are inputs for rotation, bias and sinks.
  const scales = isRounded ? [...Array<Value>(5).fill(ABSENT), keyScales, valueScales] : [];
  return call.graph.nodeWithOutputs(
    'GroupQueryAttention',
    [query, key, value, keys, values, seen, total, ...scales],
    [query, cache, cache],
    {
      domain: contribDomain,
      attributes: {
        num_heads: { int: heads },
        kv_num_heads: { int: groups },
        // The queries come scaled.
        scale: { float: 1 },
        ...(softCap !== undefined && { softcap: { float: softCap } }),
        ...(window !== undefined && { local_window_size: { int: window } }),
        ...(isRounded && {
          k_quant_type: { string: 'PER_CHANNEL' },
          v_quant_type: { string: 'PER_CHANNEL' },
          kv_cache_bit_width: { int: 8 },
        }),
      },
    },
  );
}

/** Makes a copy or a view of `x` that is computed after the first number of `signal`, by a condition that is always false. */
function after(graph: GraphBuilder, x: Value, signal: Value): Value {
  const size = signal.shape.reduce((product, n) => product * n, 1);
  const flat = graph.node('Reshape', [signal, graph.int64([size])], [size], signal.dtype);
  const first = graph.node(
    'Slice',
    [flat, graph.int64([0]), graph.int64([1]), graph.int64([0])],
    [1],
    'float32',
  );
  const odd = graph.node('IsNaN', [first], [1], 'bool');
  const never = graph.node('And', [odd, graph.node('Not', [odd], [1], 'bool')], [1], 'bool');
  // A shape that the device computes is copied to the host, which waits for it. A pass over `x` costs less there.
  if (graph.target === 'cuda') {
    const zero = cast(graph, graph.constant([0], [], 'float32'), x.dtype);
    return graph.node('Where', [never, zero, x], x.shape, x.dtype);
  }
  const shape = graph.node(
    'Add',
    [graph.int64(x.shape), cast(graph, never, 'int64')],
    [x.shape.length],
    'int64',
  );
  return graph.node('Reshape', [x, shape], x.shape, x.dtype);
}
