import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { EngineError } from './error.js';
import { checkGraph } from './onnx/check-graph.js';
import { type ConstantSource, withConstants } from './onnx/constants.js';
import { encodeModel, type FilePart, type GraphModel, type ValueInfo } from './onnx/model.js';
import type { SpecTree } from './trace/spec.js';
import { OUTPUT_PREFIX, trace } from './trace/trace.js';

/** Options of `exportOnnx`. */
export interface ExportOptions {
  /**
   * Inputs that become constants of the graph, by path, with the place of their bytes: files in the folder of the graph's
   * file, such as `model.safetensors`. Nothing is copied.
   */
  readonly files?: Readonly<Record<string, ConstantSource>>;
}

/** Inputs, outputs and size of a written graph. */
export interface ExportedOnnx {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Size of the graph's file. */
  readonly bytes: number;
}

/**
 * Writes a function as an ONNX file, which ONNX Runtime runs in any language.
 *
 * @param fn a pure function of a tree of tensors
 * @param specs shape and element type of every leaf of its argument; a size with a name stays open
 * @param path path of the file, which is replaced at once or not at all
 * @throws {EngineError} the errors of `trace`; `bad-file` for files that do not exist, are too short, or lie outside of the
 *   folder of `path`
 */
export async function exportOnnx(
  fn: (inputs: never) => unknown,
  specs: SpecTree,
  path: string,
  { files = {} }: ExportOptions = {},
): Promise<ExportedOnnx> {
  const { graph: traced } = trace(fn, specs);
  checkGraph(traced);
  const inputs = new Set(traced.inputs.map(({ name }) => name));
  const sources = new Map(Object.entries(files).filter(([name]) => inputs.has(name)));
  const graph = withPlainNames(withConstants(traced, sources));
  await checkFiles(graph, dirname(path));
  const model = encodeModel(graph);
  await writeFileAtomic(path, model).catch((cause: unknown) => {
    throw new EngineError('bad-file', `${path} cannot be written`, 'check the folder and the disk', {
      cause,
    });
  });
  return { inputs: graph.inputs, outputs: graph.outputs, bytes: model.length };
}

/** Removes the prefix of the outputs where no input or constant has the shorter name. */
function withPlainNames(graph: GraphModel): GraphModel {
  const taken = new Set([...graph.inputs, ...graph.initializers].map(({ name }) => name));
  const plain = new Map<string, string>();
  for (const { name } of graph.outputs) {
    const short = name.slice(OUTPUT_PREFIX.length);
    if (!taken.has(short)) plain.set(name, short);
  }
  const renamed = (name: string) => plain.get(name) ?? name;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
    outputs: graph.outputs.map((output) => ({ ...output, name: renamed(output.name) })),
  };
}

/** Checks that the files which the graph points to exist and lie in its folder, where the runtime reads them. */
async function checkFiles({ initializers }: GraphModel, folder: string): Promise<void> {
  for (const { name, bytes } of initializers) {
    if (bytes instanceof Uint8Array) continue;
    const { location, offset, length }: FilePart = bytes;
    const refuse = (problem: string) =>
      new EngineError(
        'bad-file',
        `the bytes of '${name}' are to come from ${location}, ${problem}`,
        'put the graph into the folder of the weights, and give locations relative to it',
      );
    const plain = normalize(location);
    if (isAbsolute(location) || plain === '..' || plain.startsWith(`..${sep}`)) {
      throw refuse('which is outside of the folder of the graph');
    }
    const size = await stat(join(folder, location)).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) throw refuse(`which is not in ${folder}`);
    if (offset + length > size) throw refuse(`which has ${size} bytes, not ${offset + length}`);
  }
}
