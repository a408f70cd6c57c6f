import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../error.js';
import { trace } from '../trace/trace.js';
import { checkGraph } from './check-graph.js';
import {
  type Attribute,
  contribDomain,
  type GraphModel,
  type GraphNode,
  type GraphType,
  onnxTypes,
} from './model.js';
import { operators } from './operators.js';

type Attributes = Record<string, Attribute>;

const node = (op: string, inputs: string[], outputs: string[], attributes: Attributes = {}, domain = '') =>
  ({ op, domain, inputs, outputs, attributes }) satisfies GraphNode;

/** A graph whose inputs are f (float32), i (int32), l (int64) and b (bool), and h (float16). */
const graph = (nodes: GraphNode[], outputs: Record<string, GraphType> = {}): GraphModel => {
  const inputs = { f: 'float32', i: 'int32', l: 'int64', b: 'bool', h: 'float16' } as const;
  const infos = (types: Record<string, GraphType>) =>
    Object.entries(types).map(([name, type]) => ({ name, type, shape: ['B', 2] }));
  return { nodes, initializers: [], inputs: infos(inputs), outputs: infos(outputs) };
};

const messageOf = (model: GraphModel): string => {
  try {
    checkGraph(model);
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'bad-graph', hint: expect.stringContaining('kernel mapping') });
    return (error as Error).message;
  }
  return 'no error';
};

/** The type that the graph computes for 'y', found by declaring each. */
const typeOf = (...nodes: GraphNode[]): GraphType[] =>
  (Object.keys(onnxTypes) as GraphType[]).filter(
    (type) => messageOf(graph(nodes, { y: type })) === 'no error',
  );

describe('a wrong node', () => {
  const wrong: readonly [what: string, message: string, ...nodes: GraphNode[]][] = [
    [
      'of a type that the operator does not allow',
      "operator Max (node 'Max_y'): input 1 (data_0) is bool, ONNX allows float32, float16, bfloat16, int64, int32, int8, uint8",
      node('Max', ['f', 'b'], ['y']),
    ],
    [
      'of a type that an earlier node computed',
      "operator Softmax (node 'Softmax_y'): input 0 (input) is int64, ONNX allows float32, float16, bfloat16",
      node('Shape', ['f'], ['s']),
      node('Softmax', ['s'], ['y']),
    ],
    [
      'of two types in place of one',
      "operator Add (node 'Add_y'): input 1 (B) is int32, input 0 (A) is float32; ONNX wants one type",
      node('Add', ['f', 'i'], ['y']),
    ],
    [
      'with an unknown attribute',
      "operator Softmax (node 'Softmax_y') has no attribute 'dim'",
      node('Softmax', ['f'], ['y'], { dim: { int: 1 } }),
    ],
    [
      'with an attribute of another kind',
      "operator Softmax (node 'Softmax_y'): attribute 'axis' is of kind float, not int",
      node('Softmax', ['f'], ['y'], { axis: { float: 1 } }),
    ],
    [
      'without a required attribute',
      "operator Concat (node 'Concat_y') lacks the attribute 'axis'",
      node('Concat', ['f', 'f'], ['y']),
    ],
    [
      'with an unknown operator',
      "operator Foo (node 'Foo_y') is not in operator set 18 as far as operators.ts lists it",
      node('Foo', ['f'], ['y']),
    ],
    [
      "of ONNX Runtime's domain with a standard operator",
      "operator com.microsoft.MatMul (node 'MatMul_y') is not in the operator set com.microsoft as far as operators.ts lists it",
      node('MatMul', ['f', 'f'], ['y'], {}, contribDomain),
    ],
    [
      'with too few inputs',
      "operator Add (node 'Add_y') has 1 input, ONNX wants 2",
      node('Add', ['f'], ['y']),
    ],
    [
      'with too many inputs',
      "operator Clip (node 'Clip_y') has 4 inputs, ONNX wants 1 to 3",
      node('Clip', ['f', 'f', 'f', 'f'], ['y']),
    ],
    [
      'with none of any number of inputs',
      "operator Sum (node 'Sum_y') has 0 inputs, ONNX wants at least 1",
      node('Sum', [], ['y']),
    ],
    [
      'with too many outputs',
      "operator Exp (node 'Exp_y') has 2 outputs, ONNX wants 1",
      node('Exp', ['f'], ['y', 'z']),
    ],
    [
      'without a required input',
      "operator Where (node 'Where_y'): input 1 (X) is required, but absent",
      node('Where', ['b', '', 'f'], ['y']),
    ],
    [
      'without a required output',
      "operator TopK (node 'TopK_'): output 0 (Values) is required, but absent",
      node('TopK', ['f', 'l'], ['', 'y']),
    ],
    [
      'that reads what is not there',
      "operator Exp (node 'Exp_y') reads 't7', which nothing before it computes",
      node('Exp', ['t7'], ['y']),
    ],
    [
      'that reads what a later one computes',
      "operator Exp (node 'Exp_y') reads 'x', which nothing before it computes",
      node('Exp', ['x'], ['y']),
      node('Neg', ['f'], ['x']),
    ],
    [
      'that writes what another wrote',
      "operator Neg (node 'Neg_y') writes 'y', which operator Exp (node 'Exp_y') has written",
      node('Exp', ['f'], ['y']),
      node('Neg', ['f'], ['y']),
    ],
    [
      'that writes an input',
      "operator Exp (node 'Exp_f') writes 'f', which an input of the graph has written",
      node('Exp', ['f'], ['f']),
    ],
    [
      'that casts to a type that graphs do not have',
      "operator Cast (node 'Cast_y'): attribute 'to' is 8, which no graph has as a type",
      node('Cast', ['f'], ['y'], { to: { int: 8 } }),
    ],
    [
      'with a result of a type that the operator does not allow',
      "operator LayerNormalization (node 'LayerNormalization_y'): output 1 (Mean) is float16, ONNX allows float32, bfloat16",
      node('LayerNormalization', ['f', 'f'], ['y', 'z'], { stash_type: { int: 10 } }),
    ],
  ];

  it.each(wrong)('%s', (_, message, ...nodes) => {
    expect(messageOf(graph(nodes))).toBe(message);
  });
});

describe('outputs of the graph', () => {
  it('are computed', () => {
    expect(messageOf(graph([], { y: 'float32' }))).toBe("nothing computes 'y', an output of the graph");
  });

  it('have the type that they are declared with', () => {
    expect(messageOf(graph([node('Shape', ['f'], ['y'])], { y: 'int32' }))).toBe(
      "'y', an output of the graph, is declared int32, but operator Shape (node 'Shape_y') makes it int64",
    );
  });

  it('are declared once', () => {
    const once = graph([node('Exp', ['f'], ['y'])], { y: 'float32' });
    const twice = { ...once, outputs: [...once.outputs, ...once.outputs] };
    expect(messageOf(twice)).toBe("the graph has two outputs 'y'");
  });
});

it('refuses a constant with the name of an input', () => {
  const constant = { name: 'f', type: 'float32', shape: [], bytes: new Uint8Array(4) } as const;
  expect(messageOf({ ...graph([]), initializers: [constant] })).toBe(
    "a constant writes 'f', which an input of the graph has written",
  );
});

describe('types of results', () => {
  it('are those of the inputs that share a type variable', () => {
    expect(typeOf(node('Where', ['b', 'i', 'i'], ['y']))).toEqual(['int32']);
    expect(typeOf(node('Add', ['h', 'h'], ['y']))).toEqual(['float16']);
  });

  it('are the only one that is allowed', () => {
    expect(typeOf(node('Greater', ['i', 'i'], ['y']))).toEqual(['bool']);
    expect(typeOf(node('ArgMax', ['f'], ['y']))).toEqual(['int64']);
    expect(typeOf(node('Split', ['i'], ['x', 'y']))).toEqual(['int32']);
    expect(typeOf(node('DynamicQuantizeLinear', ['f'], ['y', 's', 'z']))).toEqual(['uint8']);
  });

  it('are what an attribute says', () => {
    for (const [type, code] of Object.entries(onnxTypes)) {
      expect(typeOf(node('Cast', ['f'], ['y'], { to: { int: code } }))).toEqual([type]);
    }
    const stash: Attributes = { stash_type: { int: onnxTypes.bfloat16 } };
    expect(typeOf(node('LayerNormalization', ['h', 'h'], ['x', 'y'], stash))).toEqual(['bfloat16']);
  });

  it('are a default where nothing decides', () => {
    expect(typeOf(node('LayerNormalization', ['h', 'h'], ['x', 'y']))).toEqual(['float32']);
    expect(typeOf(node('ConstantOfShape', ['l'], ['y']))).toEqual(['float32']);
    expect(typeOf(node('QuantizeLinear', ['f', 'f'], ['y']))).toEqual(['uint8']);
  });

  it('are those of an optional input where it is given', () => {
    const toInt8 = node('Cast', ['f'], ['zero'], { to: { int: onnxTypes.int8 } });
    expect(typeOf(toInt8, node('QuantizeLinear', ['f', 'f', 'zero'], ['y']))).toEqual(['int8']);
    const attributes: Attributes = { num_heads: { int: 1 }, kv_num_heads: { int: 1 } };
    const attention = (past: string) => {
      const inputs = ['h', 'h', 'h', past, past, 'i', 'i'];
      return node('GroupQueryAttention', inputs, ['x', 'y'], attributes, contribDomain);
    };
    expect(typeOf(attention(''))).toEqual(['float16']);
    expect(typeOf(attention('f'))).toEqual(['float32']);
  });
});

it('takes an empty name as an absent input or output', () => {
  checkGraph(graph([node('Clip', ['f', '', 'f'], ['y'])], { y: 'float32' }));
  const skipNorm = 'SkipSimplifiedLayerNormalization';
  const norm = node(skipNorm, ['f', 'f', 'f'], ['y', '', '', 'z'], {}, contribDomain);
  checkGraph(graph([norm], { y: 'float32', z: 'float32' }));
});

const all = Object.entries(operators).flatMap(([domain, table]) =>
  Object.entries(table).map(([op, signature]) => ({ domain, op, signature })),
);

it.each(all)(
  'knows the results of $domain $op where only what is required is given',
  ({ domain, op, signature }) => {
    const given: Attributes = { int: { int: 1 }, float: { float: 1 }, ints: { ints: [0] } };
    const attributes = Object.entries(signature.attributes)
      .filter(([, { required }]) => required)
      .map(([name, { kind }]) => [name, given[kind]!]);
    const operands = signature.inputs.slice(0, signature.inputCount[0]);
    const inputs = operands.map(({ optional }, i) => (optional ? '' : `x${i}`));
    const outputs = signature.outputs.map((_, i) => `y${i}`);
    checkGraph({
      nodes: [node(op, inputs, outputs, Object.fromEntries(attributes), domain)],
      inputs: operands.map(({ type }, i) => ({
        name: `x${i}`,
        type: (typeof type === 'string' ? signature.types[type]! : type)[0]!,
        shape: [],
      })),
      initializers: [],
      outputs: [],
    });
  },
);

describe('traced functions pass', () => {
  type T = tf.Tensor;
  const cases: readonly [name: string, fn: (x: T, y: T) => T][] = [
    [
      'matrix products',
      (x, y) => tf.matMul(tf.matMul(x, y, false, true), tf.matMul(x, tf.transpose(y, [0, 2, 1])), true),
    ],
    ['softmax and its logarithm', (x, y) => tf.mul(tf.softmax(x), tf.logSoftmax(y))],
    ['activations', (x, y) => tf.addN([tf.relu(x), tf.tanh(y), tf.sigmoid(x), tf.softplus(y)])],
    ['extremes and clipping', (x, y) => tf.maximum(tf.clipByValue(x, -1, 1), tf.minimum(y, 0))],
    [
      'a layer normalization',
      (x) => {
        const { mean, variance } = tf.moments(x, -1, true);
        return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
      },
    ],
    ['rows by index', (x) => tf.gather(tf.reshape(x, [6, 4]), tf.tensor1d([5, 0, 5], 'int32'))],
    ['parts', (x, y) => tf.concat([...tf.split(x, 3, 1), tf.slice(y, [0, 1, 0], [-1, 1, -1])], 1)],
    [
      'padding and tiling',
      (x, y) =>
        tf.pad(
          tf.tile(tf.cumsum(tf.stack([x, y]), 3), [1, 1, 1, 2]),
          Array<[number, number]>(4).fill([1, 0]),
        ),
    ],
    ['positions', (x) => tf.mul(x, tf.oneHot(tf.cast(tf.argMax(x, 2), 'int32'), 4))],
  ];

  it.each(cases)('%s, gradients included', (_, fn) => {
    const run = ({ x, y }: { x: T; y: T }) => {
      const loss = (a: T, b: T) => tf.add(tf.sum(tf.square(fn(a, b))), tf.sum(tf.mul(b, 0)));
      const [dx, dy] = tf.grads(loss)([x, y]) as [T, T];
      const larger = tf.logicalAnd(tf.greater(x, y), tf.logicalNot(tf.equal(x, 0)));
      return { dx, dy, larger, chosen: tf.where(larger, x, y) };
    };
    const spec = { dtype: 'float32', shape: [2, 3, 4] } as const;
    const { graph: traced } = trace(run, { x: spec, y: spec });
    expect(traced.nodes.length).toBeGreaterThan(4);
    checkGraph(traced);
  });
});
