import { describe, expect, it } from 'vitest';
import { cutGraph } from './cut-graph.js';
import type { GraphModel, GraphNode, ValueInfo } from './model.js';

const node = (op: string, inputs: string[], ...outputs: string[]): GraphNode => ({
  op,
  domain: '',
  inputs,
  outputs,
  attributes: {},
});
const info = (name: string, type: ValueInfo['type'] = 'float32', shape = [4, 4]): ValueInfo => {
  return { name, type, shape };
};

/** Cuts a graph of float32 matrices whose outputs are the results that no node reads, or those that are named. */
function cut(
  nodes: GraphNode[],
  groups: string[][],
  { outputs = groups.flat(), values = [] as ValueInfo[] } = {},
) {
  const made = new Set(nodes.flatMap((each) => each.outputs));
  const read = [...new Set(nodes.flatMap(({ inputs }) => inputs))].filter((name) => !made.has(name));
  const graph: GraphModel = {
    nodes,
    initializers: [],
    inputs: read.map((name) => info(name)),
    outputs: outputs.map((name) => info(name)),
  };
  const known = new Map([...made].map((name) => [name, info(name)]));
  for (const value of values) known.set(value.name, value);
  return cutGraph(graph, groups, known).map((part) => ({
    nodes: part.nodes.map(({ op, inputs, outputs: made }) => `${made} = ${op}(${inputs})`),
    inputs: part.inputs.map(({ name }) => name),
    outputs: part.outputs.map(({ name }) => name),
  }));
}

describe('a graph that is cut', () => {
  it('computes in a part what no part before has computed, and takes the rest from there', () => {
    const nodes = [
      node('Tanh', ['x'], 'a'),
      node('MatMul', ['a', 'w'], 'b'),
      node('Exp', ['b'], 'y'),
      node('Mul', ['a', 'b'], 'z'),
    ];
    expect(cut(nodes, [['y'], ['z']])).toEqual([
      {
        nodes: ['a = Tanh(x)', 'b = MatMul(a,w)', 'y = Exp(b)'],
        inputs: ['x', 'w'],
        outputs: ['y', 'b', 'a'],
      },
      { nodes: ['z = Mul(a,b)'], inputs: ['b', 'a'], outputs: ['z'] },
    ]);
  });

  it('computes views and the like again, from what they are made of', () => {
    const nodes = [
      node('Tanh', ['x'], 'a'),
      node('Reshape', ['a', 'flat'], 'view'),
      node('Expand', ['one', 'shape'], 'ones'),
      node('Cast', ['w'], 'half'),
      node('Cast', ['a'], 'small'),
      node('Sum', ['view', 'ones', 'half', 'small'], 'y'),
      node('Mean', ['view', 'ones', 'half', 'small'], 'z'),
    ];
    const [, last] = cut(nodes, [['y'], ['z']]);
    expect(last).toEqual({
      nodes: [
        'view = Reshape(a,flat)',
        'ones = Expand(one,shape)',
        'half = Cast(w)',
        'z = Mean(view,ones,half,small)',
      ],
      inputs: ['flat', 'one', 'shape', 'w', 'small', 'a'],
      outputs: ['z'],
    });
  });

  it('computes sizes again, and keeps other small results', () => {
    const nodes = [
      node('Shape', ['x'], 'size'),
      node('Mul', ['size', 'two'], 'double'),
      node('Neg', ['x'], 'odd'),
      node('Sum', ['double', 'odd'], 'y'),
      node('Mean', ['double', 'odd'], 'z'),
    ];
    const values = [info('size', 'int64', [2]), info('double', 'int64', [2]), info('odd', 'float32', [2])];
    expect(cut(nodes, [['y'], ['z']], { values })[1]).toMatchObject({
      nodes: ['size = Shape(x)', 'double = Mul(size,two)', 'z = Mean(double,odd)'],
      inputs: ['x', 'two', 'odd'],
    });
  });

  it('reads a copy of an output that may have changed', () => {
    const nodes = [node('Tanh', ['x'], 'y'), node('Exp', ['y'], 'z')];
    expect(cut(nodes, [['y'], ['z']])).toEqual([
      { nodes: ['kept:y = Tanh(x)', 'y = Identity(kept:y)'], inputs: ['x'], outputs: ['y', 'kept:y'] },
      { nodes: ['z = Exp(kept:y)'], inputs: ['kept:y'], outputs: ['z'] },
    ]);
  });

  it('computes outputs that nobody names first, and an output before its group where an earlier one needs it', () => {
    const nodes = [node('Tanh', ['x'], 'y'), node('Exp', ['y'], 'z'), node('Neg', ['x'], 'loss')];
    const parts = cut(nodes, [['z'], ['y']], { outputs: ['z', 'y', 'loss'] });
    expect(parts[0]?.outputs).toEqual(['z', 'y', 'loss']);
    expect(parts[1]).toEqual({ nodes: [], inputs: [], outputs: [] });
  });

  it('takes one of several results of a node along', () => {
    const nodes = [node('Split', ['x'], 'a', 'b'), node('Exp', ['a'], 'y'), node('Neg', ['b'], 'z')];
    expect(cut(nodes, [['y'], ['z']])).toEqual([
      { nodes: ['a,b = Split(x)', 'y = Exp(a)'], inputs: ['x'], outputs: ['y', 'b'] },
      { nodes: ['z = Neg(b)'], inputs: ['b'], outputs: ['z'] },
    ]);
  });
});
