import { expect, it } from 'vitest';
import { inPlaceTest } from './aliasing.js';
import type { GraphModel, GraphNode } from './model.js';

const node = (op: string, inputs: string[], output: string): GraphNode => ({
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes: {},
});
const graph = (...nodes: GraphNode[]): GraphModel => ({ nodes, initializers: [], inputs: [], outputs: [] });
const canWriteInPlace = (model: GraphModel, input: string, output: string) =>
  inPlaceTest(model)(input, output);

it('allows an elementwise writer, and readers that must run before it', () => {
  expect(
    canWriteInPlace(graph(node('Mul', ['w', 'k'], 'a'), node('Sub', ['a', 'u'], 'out')), 'w', 'out'),
  ).toBe(true);
  expect(canWriteInPlace(graph(node('Sub', ['w', 'u'], 'out')), 'w', 'out')).toBe(true);
});

it('allows an update of some elements, but not from the array itself', () => {
  for (const op of ['ScatterND', 'ScatterElements']) {
    expect(canWriteInPlace(graph(node(op, ['w', 'i', 'u'], 'out')), 'w', 'out')).toBe(true);
    expect(canWriteInPlace(graph(node(op, ['u', 'i', 'w'], 'out')), 'w', 'out')).toBe(false);
    expect(canWriteInPlace(graph(node(op, ['w', 'i', 'w'], 'out')), 'w', 'out')).toBe(false);
  }
});

it('refuses a writer that reads other elements than it writes', () => {
  expect(canWriteInPlace(graph(node('MatMul', ['w', 'u'], 'out')), 'w', 'out')).toBe(false);
});

it('refuses a reader that may run after the write', () => {
  const late = graph(node('Sub', ['w', 'u'], 'out'), node('MatMul', ['w', 'x'], 'y'));
  expect(canWriteInPlace(late, 'w', 'out')).toBe(false);
});

it('lets sizes be read after the write', () => {
  const late = graph(node('ScatterND', ['w', 'i', 'u'], 'out'), node('Shape', ['w'], 'size'));
  expect(canWriteInPlace(late, 'w', 'out')).toBe(true);
});

it('sees readers through views', () => {
  const view = graph(
    node('Reshape', ['w', 'shape'], 'flat'),
    node('Mul', ['flat', 'k'], 'y'),
    node('Sub', ['u', 'k'], 'out'),
  );
  expect(canWriteInPlace(view, 'w', 'out')).toBe(false);
});
