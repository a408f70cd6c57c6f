import type { DType } from '../arrays/array.js';
import { ProtobufWriter } from './protobuf.js';

/** Element types in a graph: those of arrays, int64 for shapes and indices, and those of weights in files. */
export type GraphType = DType | 'int64' | 'float16' | 'bfloat16';

/** ONNX `TensorProto.DataType` of each element type. */
export const onnxTypes: Readonly<Record<GraphType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

/** An ONNX attribute, tagged by kind because the format distinguishes 1 and 1.0. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

/** One operation. `domain` is empty for the standard operator set. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Bytes that lie in a file, whose path is relative to the folder of the graph's file. */
export interface FilePart {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A constant of the graph, with its bytes or the place of its bytes. */
export interface Initializer {
  readonly name: string;
  readonly type: GraphType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array | FilePart;
}

/** Size of an axis: a number, or the product of a number and named sizes, such as `B` or `2*B*T`. */
export type Dimension = number | string;

/** Name, type and shape of an input or output of the graph. */
export interface ValueInfo {
  readonly name: string;
  readonly type: GraphType;
  readonly shape: readonly Dimension[];
}

/** A whole graph, with its nodes in an order in which they can run. */
export interface GraphModel {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** Domain of the operators that ONNX Runtime adds to the standard ones. */
export const contribDomain = 'com.microsoft';

/** Version of the standard operator set for which the kernel mappings are written. */
export const OPSET = 18;

const IR_VERSION = 9;

/** Encodes a graph as the bytes of an `.onnx` file (`ModelProto`, onnx.proto3). */
export function encodeModel(model: GraphModel): Uint8Array {
  return new ProtobufWriter()
    .int(1, IR_VERSION)
    .string(2, 'gram')
    .message(7, (graph) => {
      for (const node of inRunningOrder(model.nodes)) graph.message(1, (w) => writeNode(w, node));
      graph.string(2, 'gram');
      for (const tensor of model.initializers) graph.message(5, (w) => writeTensor(w, tensor));
      for (const input of model.inputs) graph.message(11, (w) => writeValueInfo(w, input));
      for (const output of model.outputs) graph.message(12, (w) => writeValueInfo(w, output));
    })
    .message(8, (w) => w.string(1, '').int(2, OPSET))
    .message(8, (w) => w.string(1, contribDomain).int(2, 1))
    .finish();
}

/**
 * Orders the nodes so that ONNX Runtime runs each as soon as its inputs are known. The runtime starts from the nodes that no other
 * node reads, the last of them first, and walks to what they need. In the order of recording, the last one is the gradient of the
 * first layer: the whole way back to it would run before the gradients of all other weights, and be kept for them. The nodes that
 * no other reads therefore come last, with those that can run first at the end.
 */
function inRunningOrder(nodes: readonly GraphNode[]): GraphNode[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const isRead = ({ outputs }: GraphNode) => outputs.some((name) => read.has(name));
  const made = new Map(nodes.flatMap(({ outputs }, i) => outputs.map((name) => [name, i] as const)));
  const ready = ({ inputs }: GraphNode) => Math.max(-1, ...inputs.map((name) => made.get(name) ?? -1));
  const last = nodes.filter((node) => !isRead(node)).sort((a, b) => ready(b) - ready(a));
  return [...nodes.filter(isRead), ...last];
}

function writeNode(writer: ProtobufWriter, node: GraphNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  // A name per node makes ONNX Runtime's errors and profiles point to it.
  writer.string(3, `${node.op}_${node.outputs[0]}`).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.message(5, (attribute) => {
      attribute.string(1, name);
      if ('int' in value) attribute.int(3, value.int).int(20, 2);
      else if ('float' in value) attribute.float(2, value.float).int(20, 1);
      else if ('string' in value) attribute.string(4, value.string).int(20, 3);
      else attribute.packedInts(8, value.ints).int(20, 7);
    });
  }
  if (node.domain !== '') writer.string(7, node.domain);
}

/** ONNX `TensorProto.DataLocation` of bytes in a file. */
const EXTERNAL_DATA = 1;

function writeTensor(writer: ProtobufWriter, tensor: Initializer): void {
  writer.packedInts(1, tensor.shape).int(2, onnxTypes[tensor.type]).string(8, tensor.name);
  if (tensor.bytes instanceof Uint8Array) {
    writer.bytes(9, tensor.bytes);
    return;
  }
  const part = { ...tensor.bytes, offset: String(tensor.bytes.offset), length: String(tensor.bytes.length) };
  for (const [key, value] of Object.entries(part)) {
    writer.message(13, (entry) => entry.string(1, key).string(2, value));
  }
  writer.int(14, EXTERNAL_DATA);
}

function writeValueInfo(writer: ProtobufWriter, value: ValueInfo): void {
  writer.string(1, value.name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.int(1, onnxTypes[value.type]).message(2, (shape) => {
        for (const size of value.shape) {
          shape.message(1, (dim) => (typeof size === 'number' ? dim.int(1, size) : dim.string(2, size)));
        }
      }),
    ),
  );
}
