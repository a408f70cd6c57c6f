import { join } from 'node:path';
import type { NDArray } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { checkCopiedHead, readCheckedHeaders } from '../directory/load-weights.js';
import { type LoadedModel, readConfig, readGram } from '../directory/model-directory.js';
import { withFile } from '../files/read.js';
import { readGgufConfig } from '../gguf/load-gguf.js';
import { readGgufHeader } from '../gguf/parse.js';
import { readGgufWeight } from '../gguf/tensors.js';
import { type ResolveOptions, resolveModel } from '../hub/resolve-model.js';
import { readTensor } from '../safetensors/read.js';
import { type ArrayToMake, arrayOf, type WritableArrays } from '../safetensors/write.js';

/** A model whose weights are read when they are written or used, each anew. */
export interface StreamedModel extends Omit<LoadedModel, 'weights'> {
  readonly weights: WritableArrays;
}

/**
 * Opens a model to write it in another form: its weights stay in its files, and `saveModel` reads one after the other. The checks of
 * names, shapes and element types are those of `loadModel` and come first; that its values are finite is checked as they are read. The
 * files must stay as they are meanwhile.
 *
 * @example
 * ```ts
 * const { config, weights } = await streamModel('models/large');
 * await saveModel('models/half', { config, weights }, { dtype: 'bfloat16' });
 * ```
 *
 * @param pathOrRepo as for `loadModel`
 * @throws {ModelError} as `loadModel`
 */
export async function streamModel(pathOrRepo: string, options: ResolveOptions = {}): Promise<StreamedModel> {
  const path = await resolveModel(pathOrRepo, options);
  if (path.endsWith('.gguf')) {
    const { config } = await readGgufConfig(path);
    return { config, weights: await ggufArrays(path, config), gram: undefined, path, ignored: [] };
  }
  const config = await readConfig(path);
  const gram = await readGram(path, config);
  return { config, ...(await safetensorsArrays(path, config)), gram, path };
}

/** Makes the arrays of weights, one after the other, so that all are in memory. */
export async function weightsOf(arrays: WritableArrays): Promise<Weights> {
  const weights: Record<string, NDArray<'float32'>> = Object.create(null);
  for (const [name, array] of Object.entries(arrays)) weights[name] = await arrayOf(name, array);
  return weights;
}

async function ggufArrays(path: string, config: ModelConfig): Promise<WritableArrays> {
  const header = await withFile(path, (handle, size) => readGgufHeader(handle, size, path));
  return arraysOf(config, (name) =>
    withFile(path, (handle) => readGgufWeight(name, { handle, header, config, path })),
  );
}

async function safetensorsArrays(
  dir: string,
  config: ModelConfig,
): Promise<Pick<StreamedModel, 'weights' | 'ignored'>> {
  const { headers, ignored } = await readCheckedHeaders(dir, config);
  await checkCopiedHead(dir, config, headers);
  const places = new Map(
    [...headers].flatMap(([file, { tensors }]) =>
      [...tensors].map(([name, entry]) => [name, { path: join(dir, file), entry }] as const),
    ),
  );
  const weights = arraysOf(config, (name) => {
    const place = places.get(name);
    // The headers were checked.
    if (place === undefined) throw new TypeError(`${name} is in no file of ${dir}`);
    const { path, entry } = place;
    return withFile(path, (handle) => readTensor(handle, name, { ...entry, mustBeFinite: true }, path));
  });
  return { weights, ignored };
}

/** The weights of a model in the order of `weightShapes`. */
function arraysOf(
  config: ModelConfig,
  read: (name: string) => Promise<NDArray<'float32'>>,
): Record<string, ArrayToMake> {
  const shapes = Object.entries(weightShapes(config));
  return Object.fromEntries(shapes.map(([name, shape]) => [name, { shape, make: () => read(name) }]));
}
