import { join } from 'node:path';
import type { ModelConfig } from './config/model-config.js';
import type { GramMetadata } from './directory/gram-metadata.js';
import { readCheckedHeaders } from './directory/load-weights.js';
import { readConfig, readGram } from './directory/model-directory.js';
import { withFile } from './files/read.js';
import { readGgufConfig } from './gguf/load-gguf.js';

/** Tensors of one element type. */
export interface StoredTensors {
  /** Name of the type in the file: `F32`, `BF16`, `Q4_1` ... */
  readonly type: string;
  readonly tensors: number;
  readonly elements: number;
}

/** Description of a model by its files, without its weights. */
export interface ModelInfo {
  readonly config: ModelConfig;
  /** Undefined for a plain language model. */
  readonly gram: GramMetadata | undefined;
  readonly stored: readonly StoredTensors[];
  /** Names of tensors that are no weights of the model, see `LoadedModel`. */
  readonly ignored: readonly string[];
  /** Size of the files of the weights, in bytes. */
  readonly bytes: number;
}

function count(tensors: Iterable<{ readonly type: string; readonly size: number }>): StoredTensors[] {
  const found = new Map<string, StoredTensors>();
  for (const { type, size } of tensors) {
    const { tensors: number, elements } = found.get(type) ?? { tensors: 0, elements: 0 };
    found.set(type, { type, tensors: number + 1, elements: elements + size });
  }
  return [...found.values()].sort((a, b) => b.elements - a.elements);
}

/**
 * Reads what a model is from its configuration and the headers of its weights. Nothing large is read, so this is quick for
 * any model; the weights' names and shapes are checked as `loadModel` does.
 *
 * @example
 * ```ts
 * const { config, bytes } = await inspectModel('models/tiny');
 * ```
 *
 * @param path of a model directory or a GGUF file
 * @throws {ModelError} as `loadModel`
 */
export async function inspectModel(path: string): Promise<ModelInfo> {
  if (path.endsWith('.gguf')) {
    const { config, tensors, bytes } = await readGgufConfig(path);
    return { config, gram: undefined, stored: count(tensors.values()), ignored: [], bytes };
  }
  const config = await readConfig(path);
  const { headers, ignored } = await readCheckedHeaders(path, config);
  const sizes = await Promise.all(
    [...headers.keys()].map((file) => withFile(join(path, file), async (_, size) => size)),
  );
  const tensors = [...headers.values()].flatMap((header) =>
    [...header.tensors.values()].map(({ dtype, size }) => ({ type: dtype, size })),
  );
  return {
    config,
    gram: await readGram(path, config),
    stored: count(tensors),
    ignored,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}
