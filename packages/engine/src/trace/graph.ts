import { sizeOf } from '../array.js';
import type { Attribute, GraphModel, GraphNode, GraphType, Initializer, ValueInfo } from '../onnx/model.js';

/** A value while tracing: where it is in the graph, and what it looks like. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: GraphType;
}

interface NodeOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** Collects nodes and constants. Equal nodes and equal small constants are merged as they arrive. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly initializers = new Map<string, Initializer>();
  private readonly known = new Map<string, Value[]>();
  private readonly inputs: ValueInfo[] = [];
  private count = 0;

  /** Declares a graph input. */
  input(name: string, shape: readonly number[], dtype: GraphType): Value {
    this.inputs.push({ name, shape, type: dtype });
    return { name, shape, dtype };
  }

  /** Appends a node with one output. */
  node(
    op: string,
    inputs: readonly Value[],
    shape: readonly number[],
    dtype: GraphType,
    options?: NodeOptions,
  ): Value {
    return this.nodeWithOutputs(op, inputs, [{ shape, dtype }], options)[0] as Value;
  }

  /** Appends a node with several outputs. */
  nodeWithOutputs(
    op: string,
    inputs: readonly Value[],
    outputs: readonly { readonly shape: readonly number[]; readonly dtype: GraphType }[],
    { domain = '', attributes = {} }: NodeOptions = {},
  ): Value[] {
    const names = inputs.map((input) => input.name);
    const key = JSON.stringify([op, domain, names, attributes]);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const values = outputs.map(({ shape, dtype }) => ({ name: this.fresh(), shape, dtype }));
    this.nodes.push({ op, domain, inputs: names, outputs: values.map((value) => value.name), attributes });
    this.known.set(key, values);
    return values;
  }

  /** A constant; the values are copied. */
  constant(values: ArrayLike<number>, shape: readonly number[], dtype: GraphType): Value {
    const key = values.length <= 64 ? JSON.stringify([dtype, shape, Array.from(values)]) : undefined;
    const known = key === undefined ? undefined : this.known.get(key)?.[0];
    if (known !== undefined) return known;
    const value: Value = { name: this.fresh(), shape, dtype };
    const bytes = encodeValues(values, dtype);
    this.initializers.set(value.name, { name: value.name, type: dtype, shape, bytes });
    if (key !== undefined) this.known.set(key, [value]);
    return value;
  }

  /** A one-dimensional int64 constant, as ONNX wants shapes and axes. */
  int64(values: readonly number[]): Value {
    return this.constant(values, [values.length], 'int64');
  }

  /** A constant filled with one number, expanded at run time so that the graph stays small. */
  filled(shape: readonly number[], number: number, dtype: GraphType): Value {
    const one = this.constant([number], [], dtype);
    if (sizeOf(shape) === 1) return this.constant([number], shape, dtype);
    return this.node('Expand', [one, this.int64(shape)], shape, dtype);
  }

  /** The graph that computes `outputs`; what they do not need is left out. */
  build(outputs: readonly { readonly name: string; readonly value: Value }[]): GraphModel {
    const nodes = [...this.nodes];
    // ONNX outputs are values by name: a value that is an input, a constant or already another
    // output gets a node of its own.
    const taken = new Set([...this.inputs.map((input) => input.name), ...this.initializers.keys()]);
    const rename = new Map<string, string>();
    for (const { name, value } of outputs) {
      if (taken.has(value.name) || rename.has(value.name)) {
        nodes.push({ op: 'Identity', domain: '', inputs: [value.name], outputs: [name], attributes: {} });
      } else {
        rename.set(value.name, name);
      }
    }
    const renamed = (name: string) => rename.get(name) ?? name;
    const live = new Set(outputs.map(({ name }) => name));
    const kept: GraphNode[] = [];
    for (const node of nodes.reverse()) {
      const outputNames = node.outputs.map(renamed);
      if (!outputNames.some((name) => live.has(name))) continue;
      const inputNames = node.inputs.map(renamed);
      for (const name of inputNames) live.add(name);
      kept.push({ ...node, inputs: inputNames, outputs: outputNames });
    }
    return {
      nodes: kept.reverse(),
      initializers: [...this.initializers.values()].filter((tensor) => live.has(tensor.name)),
      inputs: this.inputs.filter((input) => live.has(input.name)),
      outputs: outputs.map(({ name, value }) => ({ name, shape: value.shape, type: value.dtype })),
    };
  }

  private fresh(): string {
    return `t${this.count++}`;
  }
}

function encodeValues(values: ArrayLike<number>, dtype: GraphType): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.from(values).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(values).buffer);
    case 'int64':
      return new Uint8Array(BigInt64Array.from(Array.from(values), BigInt).buffer);
    case 'bool':
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
  }
}
