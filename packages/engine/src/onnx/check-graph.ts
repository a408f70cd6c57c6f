import { EngineError } from '../error.js';
import { type GraphModel, type GraphNode, type GraphType, OPSET, onnxTypes } from './model.js';
import { operators } from './operators.js';
import type { Operand, OperatorSignature } from './signature.js';

/** The type of a value and, for messages, its origin. */
interface Known {
  readonly type: GraphType;
  readonly from: string;
}

/** Types that the type variables of one node stand for, each with the operand that decides it. */
type Bindings = Map<string, Known>;

/** A node with its signature and its name in messages. */
interface Checked {
  readonly node: GraphNode;
  readonly signature: OperatorSignature;
  readonly label: string;
}

/**
 * Checks a graph against the operator set before ONNX Runtime sees it: operators, attributes, numbers of inputs and outputs,
 * element types, and that every value is computed once and before it is read. Shapes are not checked. Messages count
 * operands from 0.
 *
 * @throws {EngineError} `bad-graph`, naming the first node that is wrong and the mistake
 */
export function checkGraph(graph: GraphModel): void {
  const known = new Map<string, Known>();
  const define = (name: string, value: Known) => {
    const other = known.get(name);
    if (other !== undefined) throw bad(`${value.from} writes '${name}', which ${other.from} has written`);
    known.set(name, value);
  };
  for (const { name, type } of graph.inputs) define(name, { type, from: 'an input of the graph' });
  for (const { name, type } of graph.initializers) define(name, { type, from: 'a constant' });
  for (const node of graph.nodes) {
    const checked = withSignature(node);
    checkAttributes(checked);
    const types = outputTypes(checked, checkInputs(checked, known));
    for (const [name, type] of types) if (name !== '') define(name, { type, from: checked.label });
  }
  const declared = new Set<string>();
  for (const { name, type } of graph.outputs) {
    const value = known.get(name);
    if (value === undefined) throw bad(`nothing computes '${name}', an output of the graph`);
    if (value.type !== type) {
      throw bad(
        `'${name}', an output of the graph, is declared ${type}, but ${value.from} makes it ${value.type}`,
      );
    }
    if (declared.has(name)) throw bad(`the graph has two outputs '${name}'`);
    declared.add(name);
  }
}

function withSignature(node: GraphNode): Checked {
  const { op, domain, outputs } = node;
  // The name that encodeModel gives the node, and that errors of ONNX Runtime use.
  const named = `(node '${op}_${outputs[0]}')`;
  const label = domain === '' ? `operator ${op} ${named}` : `operator ${domain}.${op} ${named}`;
  const signature = operators[domain]?.[op];
  if (signature === undefined) {
    const set = domain === '' ? `operator set ${OPSET}` : `the operator set ${domain}`;
    throw bad(`${label} is not in ${set} as far as operators.ts lists it`);
  }
  return { node, signature, label };
}

function checkAttributes({ node, signature, label }: Checked): void {
  for (const [name, value] of Object.entries(node.attributes)) {
    const expected = signature.attributes[name];
    if (expected === undefined) throw bad(`${label} has no attribute '${name}'`);
    if (!(expected.kind in value)) {
      throw bad(`${label}: attribute '${name}' is of kind ${Object.keys(value)[0]}, not ${expected.kind}`);
    }
  }
  for (const [name, { required }] of Object.entries(signature.attributes)) {
    if (required && node.attributes[name] === undefined) throw bad(`${label} lacks the attribute '${name}'`);
  }
}

function checkInputs({ node, signature, label }: Checked, known: ReadonlyMap<string, Known>): Bindings {
  checkCount(label, 'input', node.inputs.length, signature.inputCount);
  const bindings: Bindings = new Map();
  node.inputs.forEach((name, i) => {
    const operand = operandAt(signature.inputs, i);
    const which = `input ${i} (${operand.name})`;
    if (name === '') {
      if (!operand.optional) throw bad(`${label}: ${which} is required, but absent`);
      return;
    }
    const type = known.get(name)?.type;
    if (type === undefined) throw bad(`${label} reads '${name}', which nothing before it computes`);
    const allowed = allowedTypes(signature, operand);
    if (!allowed.includes(type)) {
      throw bad(`${label}: ${which} is ${type}, ONNX allows ${allowed.join(', ')}`);
    }
    if (typeof operand.type !== 'string') return;
    const first = bindings.get(operand.type);
    if (first === undefined) bindings.set(operand.type, { type, from: which });
    else if (first.type !== type) {
      throw bad(`${label}: ${which} is ${type}, ${first.from} is ${first.type}; ONNX wants one type`);
    }
  });
  return bindings;
}

/** Types of the outputs, by name. */
function outputTypes(checked: Checked, bindings: Bindings): (readonly [name: string, type: GraphType])[] {
  const { node, signature, label } = checked;
  checkCount(label, 'output', node.outputs.length, signature.outputCount);
  return node.outputs.map((name, i) => {
    const operand = operandAt(signature.outputs, i);
    const which = `output ${i} (${operand.name})`;
    if (name === '' && !operand.optional) throw bad(`${label}: ${which} is required, but absent`);
    const allowed = allowedTypes(signature, operand);
    const type =
      (typeof operand.type === 'string' ? bindings.get(operand.type)?.type : undefined) ??
      (allowed.length === 1 ? allowed[0] : undefined) ??
      DECIDED_TYPES[`${node.op}.${operand.type}`]?.(checked, bindings);
    // This is not the fault of a mapping: a test checks that the table below is complete.
    if (type === undefined) throw bad(`${label}: check-graph.ts does not know the type of ${which}`);
    if (!allowed.includes(type)) {
      throw bad(`${label}: ${which} is ${type}, ONNX allows ${allowed.join(', ')}`);
    }
    return [name, type] as const;
  });
}

/** Types of the outputs that no input decides, by operator and type variable. */
const DECIDED_TYPES: Readonly<
  Record<string, (checked: Checked, bindings: Bindings) => GraphType | undefined>
> = {
  'Cast.T2': (checked) => typeAttribute(checked, 'to'),
  // Attributes of our graphs hold no tensors, so the value is always the default, a float32 zero.
  'ConstantOfShape.T2': () => 'float32',
  'LayerNormalization.U': (checked) => typeAttribute(checked, 'stash_type') ?? 'float32',
  'QuantizeLinear.T2': () => 'uint8',
  // Without a cache to continue, the operator starts one of the type of its inputs.
  'GroupQueryAttention.T_CACHE': (_, bindings) => bindings.get('T')?.type,
};

/** Gives the type whose ONNX number an attribute holds; undefined without that attribute. */
function typeAttribute({ node, label }: Checked, name: string): GraphType | undefined {
  const value = node.attributes[name];
  if (value === undefined || !('int' in value)) return undefined;
  const type = Object.entries(onnxTypes).find(([, code]) => code === value.int)?.[0];
  if (type === undefined)
    throw bad(`${label}: attribute '${name}' is ${value.int}, which no graph has as a type`);
  return type as GraphType;
}

function checkCount(
  label: string,
  what: string,
  count: number,
  [least, most]: readonly [number, number],
): void {
  if (count >= least && count <= most) return;
  const limits =
    least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  throw bad(`${label} has ${count} ${count === 1 ? what : `${what}s`}, ONNX wants ${limits}`);
}

function operandAt(operands: readonly Operand[], index: number): Operand {
  // Counts are checked before, so that what is beyond the list belongs to a variadic operand.
  const operand = operands[index] ?? operands.at(-1);
  if (operand === undefined) throw new Error('an operator without operands was given some');
  return operand;
}

function allowedTypes({ types }: OperatorSignature, { type }: Operand): readonly GraphType[] {
  return typeof type === 'string' ? (types[type] ?? []) : type;
}

function bad(message: string): EngineError {
  return new EngineError(
    'bad-graph',
    message,
    'report it with the traced function; a kernel mapping of @gram/engine is wrong',
  );
}
