import type { DType } from '../arrays/array.js';
import type { Value } from '../graph/graph-builder.js';
import { addScattered } from './indexing.js';
import { attribute, broadcastShape, cast, input, type KernelMapping, type KernelTable } from './kernel.js';

const binary =
  (op: string, result?: DType): KernelMapping =>
  (call) => {
    const a = input(call, 'a');
    const b = input(call, 'b');
    return call.graph.node(op, [a, b], broadcastShape(a.shape, b.shape), result ?? a.dtype);
  };

const unary =
  (op: string, result?: DType): KernelMapping =>
  (call) => {
    const x = input(call, 'x');
    return call.graph.node(op, [x], x.shape, result ?? x.dtype);
  };

/** Arithmetic, comparisons and activations, one element at a time. */
export const elementwise: KernelTable = {
  Add: (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    return addScattered(call.graph, a, b) ?? addScattered(call.graph, b, a) ?? binary('Add')(call);
  },
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Pow: binary('Pow'),
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterOrEqual', 'bool'),
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessOrEqual', 'bool'),
  Equal: binary('Equal', 'bool'),
  LogicalAnd: binary('And', 'bool'),
  LogicalOr: binary('Or', 'bool'),
  NotEqual: (call) => {
    const equal = binary('Equal', 'bool')(call) as Value;
    return call.graph.node('Not', [equal], equal.shape, 'bool');
  },
  SquaredDifference: (call) => {
    const difference = binary('Sub')(call) as Value;
    return call.graph.node('Mul', [difference, difference], difference.shape, difference.dtype);
  },

  Abs: unary('Abs'),
  Ceil: unary('Ceil'),
  Cos: unary('Cos'),
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Floor: unary('Floor'),
  Log: unary('Log'),
  LogicalNot: unary('Not', 'bool'),
  IsNan: unary('IsNaN', 'bool'),
  IsInf: unary('IsInf', 'bool'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Round: unary('Round'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Tanh: unary('Tanh'),
  Identity: (call) => input(call, 'x'),
  Rsqrt: (call) => {
    const root = unary('Sqrt')(call) as Value;
    return call.graph.node('Reciprocal', [root], root.shape, root.dtype);
  },
  Square: (call) => {
    const x = input(call, 'x');
    return call.graph.node('Mul', [x, x], x.shape, x.dtype);
  },
  Log1p: (call) => {
    const x = input(call, 'x');
    const shifted = call.graph.node('Add', [x, call.graph.constant([1], [], x.dtype)], x.shape, x.dtype);
    return call.graph.node('Log', [shifted], x.shape, x.dtype);
  },
  Step: (call) => {
    const x = input(call, 'x');
    const alpha = attribute<number | undefined>(call, 'alpha') ?? 0;
    const positive = call.graph.node('Greater', [x, call.graph.constant([0], [], x.dtype)], x.shape, 'bool');
    const [high, low] = [1, alpha].map((value) => call.graph.constant([value], [], 'float32')) as [
      Value,
      Value,
    ];
    return call.graph.node('Where', [positive, high, low], x.shape, 'float32');
  },
  ClipByValue: (call) => {
    const x = input(call, 'x');
    const limits = ['clipValueMin', 'clipValueMax'].map((name) =>
      call.graph.constant([attribute<number>(call, name)], [], x.dtype),
    );
    return call.graph.node('Clip', [x, ...limits], x.shape, x.dtype);
  },
  Cast: (call) => {
    const x = input(call, 'x');
    return cast(call.graph, x, attribute<DType>(call, 'dtype'));
  },
  Select: (call) => {
    const [condition, yes, no] = ['condition', 't', 'e'].map((name) => input(call, name)) as [
      Value,
      Value,
      Value,
    ];
    const { dtype } = yes;
    // CUDA has none for Booleans, and no session is made (1.30).
    const isMissing = call.graph.target === 'cuda' && dtype === 'bool';
    const [a, b] = isMissing ? [cast(call.graph, yes, 'int32'), cast(call.graph, no, 'int32')] : [yes, no];
    return cast(call.graph, call.graph.node('Where', [condition, a, b], yes.shape, a.dtype), dtype);
  },
  AddN: (call) => {
    const terms = Object.values(call.inputs);
    const first = terms[0] as Value;
    if (first.dtype === 'float32') return call.graph.node('Sum', terms, first.shape, first.dtype);
    // ONNX has a sum of several values for floating-point numbers only.
    return terms.reduce((sum, term) => call.graph.node('Add', [sum, term], first.shape, first.dtype));
  },
};
