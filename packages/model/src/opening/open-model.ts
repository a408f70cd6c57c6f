import { dirname, join } from 'node:path';
import { BaseError, checkMemory, writeFileAtomic } from '@gram/base';
import { type AnyArray, ArrayFile, fileArray } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { readCheckedHeaders } from '../directory/load-weights.js';
import { type LoadedModel, readConfig, readGram } from '../directory/model-directory.js';
import { exists } from '../files/read.js';
import { readGgufConfig } from '../gguf/load-gguf.js';
import { type ResolveOptions, resolveModel } from '../hub/resolve-model.js';
import { type WeightPrecision, weightBytes } from '../weight-bytes.js';
import { type FixedWeights, openPacked, packedForms, writePacked } from './packed-file.js';
import { checkedPath, packedPath, preparePacked, touchPacked } from './packed-folder.js';
import { type EachWeight, ggufWeights, safetensorsWeights } from './weight-source.js';

/** A model that is used and not trained. */
export interface OpenedModel extends Omit<LoadedModel, 'weights'> {
  /** Storage of the matrices of the layers. */
  readonly precision: WeightPrecision;
  readonly weights: FixedWeights;
}

/** Options of `openModel`. */
export interface OpenOptions extends ResolveOptions {
  /** Storage of the matrices of the layers; integers round them. @default 'float32' */
  readonly precision?: WeightPrecision | undefined;
}

/** Models whose packed form is smaller are packed anew by each process. */
const SMALLEST_KEPT = 2 ** 25;
/** Models whose float32 form is larger are widened anew by each process: it takes two to eight times the disk space of their files. */
const LARGEST_WIDENED = 2 ** 30;

/**
 * Opens a model to use it. Its weights stay in files where they can: float32 safetensors as they are, everything else in a packed file
 * that is made once and found again by the next process, in the folder `GRAM_CACHE` or that of the user's caches. The runtime maps
 * these files, so that memory holds what it packs and nothing else. Half precision and GGUF of more than a gigabyte in float32 are
 * read into memory instead.
 *
 * The checks are those of `loadModel`. That all values are finite is checked once and remembered for the same files in the same cache.
 * The files must stay as they are while the model is used; one that was changed is an error.
 *
 * @example
 * ```ts
 * const { config, weights } = await openModel('HuggingFaceTB/SmolLM2-135M-Instruct', { precision: 'int4' });
 * const generator = createGenerator({ config, weights });
 * ```
 *
 * @param pathOrRepo as for `loadModel`
 * @throws {ModelError} as `loadModel`, and `bad-weights` for matrices that the precision cannot hold; {BaseError} `out-of-memory`
 */
export async function openModel(
  pathOrRepo: string,
  { precision = 'float32', ...resolving }: OpenOptions = {},
): Promise<OpenedModel> {
  const path = await resolveModel(pathOrRepo, resolving);
  const source = await sourceOf(path);
  const { config, gram, ignored } = source;
  const opened = { config, gram, ignored, path, precision };
  checkConfigMemory(path, config, precision);
  const inPlace = precision === 'float32' ? await weightsInPlace(source) : undefined;
  if (inPlace !== undefined) return { ...opened, weights: inPlace };
  return { ...opened, weights: await packed(source, precision, resolving) };
}

/**
 * Refuses a model that this machine cannot hold, by its configuration alone, as `openModel` does. It is for work that comes before
 * the model is opened and takes long.
 *
 * @param path of a model directory or a GGUF file
 * @param precision storage of the matrices of the layers
 * @throws {ModelError} where the configuration cannot be read; {BaseError} `out-of-memory`
 */
export async function checkModelMemory(path: string, precision: WeightPrecision): Promise<void> {
  const config = path.endsWith('.gguf') ? (await readGgufConfig(path)).config : await readConfig(path);
  checkConfigMemory(path, config, precision);
}

function checkConfigMemory(path: string, config: ModelConfig, precision: WeightPrecision): void {
  checkMemory({
    work: `opening ${path} in ${precision}`,
    bytes: weightBytes(config, precision),
    hint: 'use a smaller model, end other programs, or raise the limit of this process',
  });
}

/** Whether weights are constants, as those of files and those in integers are. Plain arrays in memory may change. */
export function areFixed(weights: FixedWeights): boolean {
  return !arePlain(weights);
}

/** Whether all weights are float32 arrays in memory. */
export function arePlain(weights: FixedWeights): weights is Weights {
  return Object.values(weights).every((weight) => 'data' in weight);
}

interface Source extends Pick<LoadedModel, 'config' | 'gram' | 'ignored'> {
  /** Files that hold the weights. */
  readonly files: readonly string[];
  readonly each: EachWeight;
}

async function sourceOf(path: string): Promise<Source> {
  if (path.endsWith('.gguf')) {
    const { config } = await readGgufConfig(path);
    return { config, gram: undefined, ignored: [], files: [path], each: ggufWeights(path, config) };
  }
  const config = await readConfig(path);
  const gram = await readGram(path, config);
  const { headers, ignored } = await readCheckedHeaders(path, config);
  const files = [...headers.keys()].map((file) => join(path, file));
  return { config, gram, ignored, files, each: safetensorsWeights(path, config) };
}

/** All weights as parts of the model's own files; undefined where some are not float32 there. */
async function weightsInPlace({ files: paths, each, config }: Source): Promise<FixedWeights | undefined> {
  const marker = weightBytes(config) < SMALLEST_KEPT ? undefined : await checkedPath(paths);
  const isChecked = marker !== undefined && (await exists(marker));
  const files = new Map<string, ArrayFile>();
  const shapes = weightShapes(config);
  const weights: Record<string, AnyArray<'float32'>> = Object.create(null);
  let isComplete = true;
  await each(async ({ name, float32At, check }) => {
    if (float32At === undefined) isComplete = false;
    if (!isComplete || float32At === undefined) return;
    const { path, offset } = float32At;
    const file = files.get(path) ?? new ArrayFile(path);
    files.set(path, file);
    if (!isChecked) await check();
    weights[name] = fileArray({ dtype: 'float32', shape: shapes[name] ?? [] }, file, offset);
  });
  if (!isComplete) return undefined;
  for (const file of files.values()) file.check();
  if (marker !== undefined) await mark(marker);
  return weights;
}

/** Notes for later processes that files were checked; where nothing may be written, they check again. */
async function mark(path: string): Promise<void> {
  try {
    await preparePacked(dirname(path));
    await writeFileAtomic(path, '');
    await touchPacked(dirname(path));
  } catch (error) {
    if (!isRefusedBySystem(error)) throw error;
  }
}

/** The weights in a precision that their own files do not have: those of the packed file, which is written first where there is none. */
async function packed(
  { files, config, each }: Source,
  precision: WeightPrecision,
  { onNote }: Pick<ResolveOptions, 'onNote'>,
): Promise<FixedWeights> {
  const bytes = weightBytes(config, precision);
  const isKept = bytes >= SMALLEST_KEPT && (precision !== 'float32' || bytes <= LARGEST_WIDENED);
  if (!isKept) return packedInMemory(each, config, precision);
  const path = await packedPath(files, config, precision);
  if (!(await exists(path))) {
    try {
      await preparePacked(dirname(path));
      await writePacked(path, { config, precision, each });
    } catch (error) {
      if (!isRefusedBySystem(error)) throw error;
      onNote?.(`the weights are packed in memory, which takes twice as much: ${(error as Error).message}`);
      return packedInMemory(each, config, precision);
    }
  }
  await touchPacked(dirname(path));
  return openPacked(path, config, precision);
}

/** Whether the file system refused a file: it is full, or nothing may be written there. */
function isRefusedBySystem(error: unknown): boolean {
  if (error instanceof BaseError) return error.code === 'write-failed';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOSPC' || code === 'ENOTDIR';
}

async function packedInMemory(
  each: EachWeight,
  config: ModelConfig,
  precision: WeightPrecision,
): Promise<FixedWeights> {
  const weights: Record<string, FixedWeights[string]> = Object.create(null);
  await each(async (weight) => {
    Object.assign(weights, await packedForms(weight, config, precision));
  });
  return weights;
}
