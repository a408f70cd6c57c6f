import { sizeOf } from '../arrays/array.js';
import { at } from '../arrays/tree.js';
import {
  type Attribute,
  type Dimension,
  type GraphModel,
  type GraphNode,
  type GraphType,
  type Initializer,
  onnxTypes,
  type ValueInfo,
} from '../onnx/model.js';
import type { GraphOptions, GraphTarget, Int8Kernel, ProductType } from './target.js';

/** A value of the graph that is being recorded. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: GraphType;
}

/** A sum of rows that were added to zeros. */
interface ScatteredRows {
  readonly sum: Value;
  /** Numbers of the rows, one for each element of them. */
  readonly indices: Value;
  readonly rows: Value;
}

/** Number of elements of the largest constant that is compared with others. */
const SMALL = 64;

/** Computes bytes from the values of the named sizes of a graph. */
export type BytesOf = (sizes: ReadonlyMap<string, number>) => number;

interface NodeOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/**
 * Collects the nodes and constants of a graph. Equal nodes and equal small constants are merged as they arrive.
 *
 * A graph for many shapes is recorded with a stand-in for each named size: a prime that divides no other size. A number that
 * is a multiple of a stand-in then shows which sizes it was computed from.
 */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly initializers = new Map<string, Initializer>();
  private readonly known = new Map<string, Value[]>();
  private readonly inputs: ValueInfo[] = [];
  private readonly makers = new Map<string, GraphNode>();
  private readonly made = new Map<string, Value>();
  /** Sums of rows that were added to zeros, with the rows and their numbers, by name. */
  readonly scattered = new Map<string, ScatteredRows>();
  private readonly sources = new Map<string, { value: Value; axis: number }>();
  private count = 0;

  readonly target: GraphTarget;
  /** Element type that matrix products read and write. */
  readonly precision: ProductType;
  readonly int8Kernel: Int8Kernel;

  /** @param standIns the prime that stands for each named size; none for a graph of fixed shapes */
  constructor(
    { target = 'cpu', precision = 'float32', int8Kernel = 'unsigned' }: GraphOptions = {},
    private readonly standIns: ReadonlyMap<string, number> = new Map(),
  ) {
    this.target = target;
    this.precision = precision === 'tf32' ? 'float32' : precision;
    this.int8Kernel = int8Kernel;
  }

  /** Declares a graph input. */
  input(name: string, shape: readonly number[], dtype: GraphType): Value {
    this.inputs.push({ name, shape, type: dtype });
    const value = { name, shape, dtype };
    for (const [size, standIn] of this.standIns) {
      const axis = shape.indexOf(standIn);
      if (axis >= 0 && !this.sources.has(size)) this.sources.set(size, { value, axis });
    }
    return value;
  }

  /** Splits a number into the named sizes that it is a multiple of and the factor that is left. */
  private factors(number: number): { names: string[]; factor: number } {
    const names: string[] = [];
    let factor = number;
    if (Number.isInteger(number) && number > 0) {
      for (const [name, standIn] of this.standIns) {
        for (; factor % standIn === 0; factor /= standIn) names.push(name);
      }
    }
    return { names, factor };
  }

  private dimension(number: number): Dimension {
    const { names, factor } = this.factors(number);
    if (names.length === 0) return number;
    return (factor === 1 ? names : [factor, ...names]).join('*');
  }

  /** Computes a size `[1]` from the shapes of the inputs. */
  private computed(number: number): Value {
    const { names, factor } = this.factors(number);
    const terms = names.map((name) => {
      const { value, axis } = at(this.sources, name);
      const attributes = { start: { int: axis }, end: { int: axis + 1 } };
      return this.node('Shape', [value], [1], 'int64', { attributes });
    });
    if (factor !== 1) terms.push(this.constant([factor], [1], 'int64'));
    return terms.reduce((product, term) => this.node('Mul', [product, term], [1], 'int64'));
  }

  /** Tells whether a number depends on named sizes. */
  isNamed(number: number): boolean {
    return this.factors(number).names.length > 0;
  }

  /** Appends a node with one output, unless an equal node exists. */
  node(
    op: string,
    inputs: readonly Value[],
    shape: readonly number[],
    dtype: GraphType,
    options?: NodeOptions,
  ): Value {
    return this.nodeWithOutputs(op, inputs, [{ shape, dtype }], options)[0] as Value;
  }

  /** Appends a node with several outputs, unless an equal node exists. */
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
    for (const value of values) this.made.set(value.name, value);
    const node = { op, domain, inputs: names, outputs: values.map((value) => value.name), attributes };
    this.nodes.push(node);
    for (const { name } of values) this.makers.set(name, node);
    this.known.set(key, values);
    return values;
  }

  /** Finds the value whose square `value` is, if a node multiplied it by itself. */
  squareRoot(value: Value): Value | undefined {
    const maker = this.makers.get(value.name);
    const [left, right] = maker?.inputs ?? [];
    return maker?.op === 'Mul' && left !== undefined && left === right ? { ...value, name: left } : undefined;
  }

  /**
   * Adds a constant, whose values are copied. A single number that depends on named sizes is computed instead, and many
   * equal numbers are expanded from one.
   */
  constant(values: ArrayLike<number>, shape: readonly number[], dtype: GraphType): Value {
    const first = values[0] ?? 0;
    if (values.length > SMALL && dtype !== 'int64' && allEqual(values))
      return this.filled(shape, first, dtype);
    if (values.length === 1 && this.isNamed(first)) {
      const size = this.computed(first);
      const to = { to: { int: onnxTypes[dtype] } };
      const typed = dtype === 'int64' ? size : this.node('Cast', [size], [1], dtype, { attributes: to });
      return shape.length === 1 ? typed : this.node('Reshape', [typed, this.int64(shape)], shape, dtype);
    }
    const key = values.length <= SMALL ? JSON.stringify([dtype, shape, Array.from(values)]) : undefined;
    const known = key === undefined ? undefined : this.known.get(key)?.[0];
    if (known !== undefined) return known;
    const value: Value = { name: this.fresh(), shape, dtype };
    const bytes = encodeValues(values, dtype);
    this.initializers.set(value.name, { name: value.name, type: dtype, shape, bytes });
    if (key !== undefined) this.known.set(key, [value]);
    return value;
  }

  /** Adds a vector of int64, the form of shapes and axes in ONNX. Numbers that depend on named sizes are computed. */
  int64(values: readonly number[]): Value {
    if (!values.some((value) => this.isNamed(value))) return this.constant(values, [values.length], 'int64');
    const parts = values.map((value) =>
      this.isNamed(value) ? this.computed(value) : this.constant([value], [1], 'int64'),
    );
    if (parts.length === 1) return parts[0] as Value;
    return this.node('Concat', parts, [parts.length], 'int64', { attributes: { axis: { int: 0 } } });
  }

  /** Adds a constant filled with one number, which is expanded at run time so that the graph stays small. */
  filled(shape: readonly number[], number: number, dtype: GraphType): Value {
    const one = this.constant([number], [], dtype);
    if (sizeOf(shape) === 1) return this.constant([number], shape, dtype);
    return this.node('Expand', [one, this.int64(shape)], shape, dtype);
  }

  /** Builds the graph that computes `outputs`, without the nodes that they do not need. */
  build(outputs: readonly { readonly name: string; readonly value: Value }[]): GraphModel {
    const nodes = [...this.nodes];
    // Outputs of ONNX are values by name: a value that is an input, a constant or already another output gets a node of its
    // own.
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
      inputs: this.inputs
        .filter((input) => live.has(input.name))
        .map((input) => ({ ...input, shape: this.named(input.shape) })),
      outputs: outputs.map(({ name, value }) => ({
        name,
        shape: this.named(value.shape),
        type: value.dtype,
      })),
    };
  }

  private named(shape: readonly Dimension[]): Dimension[] {
    // The sizes of a graph that is being recorded are numbers.
    return shape.map((size) => this.dimension(size as number));
  }

  /** Describes the results of a built graph that are not its outputs, by name. */
  valuesOf({ nodes }: GraphModel): ReadonlyMap<string, ValueInfo> {
    return new Map(
      nodes.flatMap(({ outputs }) =>
        outputs.flatMap((name): [string, ValueInfo][] => {
          const value = this.made.get(name);
          return value === undefined
            ? []
            : [[name, { name, type: value.dtype, shape: this.named(value.shape) }]];
        }),
      ),
    );
  }

  /**
   * Finds the largest number of bytes that results of a built graph's nodes take at one time if the nodes run in order
   * and each result is freed after its last use. The inputs and outputs of the graph are not counted.
   */
  peakBytes({ nodes, outputs }: GraphModel): BytesOf {
    const lastUse = new Map<string, number>();
    for (const [i, { inputs }] of nodes.entries()) for (const name of inputs) lastUse.set(name, i);
    const given = new Set(outputs.map(({ name }) => name));
    const results = nodes.flatMap((node, i) =>
      node.outputs.flatMap((name) => {
        const value = given.has(name) || isView(node) ? undefined : this.made.get(name);
        const bytes = value === undefined ? 0 : sizeOf(value.shape) * elementBytes(value.dtype);
        return bytes === 0 ? [] : [{ start: i, end: lastUse.get(name) ?? i, ...this.factors(bytes) }];
      }),
    );
    return peakOf(results);
  }

  private fresh(): string {
    return `t${this.count++}`;
  }
}

/** Whether the result of a node has no memory of its own. */
const isView = ({ op }: GraphNode) => op === 'Reshape';

/** A result from the node that computes it to the last one that reads it, and its bytes: a factor times named sizes. */
interface Lifetime {
  readonly start: number;
  readonly end: number;
  readonly names: readonly string[];
  readonly factor: number;
}

/** It is no part of the builder, whose graph it would keep. */
function peakOf(results: readonly Lifetime[]): BytesOf {
  return (sizes) => {
    const ends = new Map<number, number>();
    let [now, peak, passed] = [0, 0, 0];
    for (const { start, end, names, factor } of results) {
      for (; passed < start; passed++) now -= ends.get(passed) ?? 0;
      const taken = names.reduce((bytes, name) => bytes * at(sizes, name), factor);
      now += taken;
      ends.set(end, (ends.get(end) ?? 0) + taken);
      peak = Math.max(peak, now);
    }
    return peak;
  };
}

function elementBytes(dtype: GraphType): number {
  if (dtype === 'int64') return 8;
  return dtype === 'float16' || dtype === 'bfloat16' ? 2 : 4;
}

function allEqual(values: ArrayLike<number>): boolean {
  const first = values[0];
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return false;
  return true;
}

function encodeValues(values: ArrayLike<number>, dtype: GraphType): Uint8Array {
  switch (dtype) {
    case 'int8':
    case 'uint8':
      return Uint8Array.from(values);
    case 'float32':
      return new Uint8Array(Float32Array.from(values).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(values).buffer);
    case 'int64':
      return new Uint8Array(BigInt64Array.from(Array.from(values), BigInt).buffer);
    case 'bool':
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
    default:
      throw new Error(`no constants of type ${dtype}`);
  }
}
