import { quote } from '@gram/base';
import { kindOf, type ModelConfig } from '../config/model-config.js';
import type { Companions } from '../directory/companions.js';
import type { GramMetadata } from '../directory/gram-metadata.js';
import type { LoadedModel } from '../directory/model-directory.js';
import { ModelError } from '../error.js';
import { type StreamedModel, weightsOf } from '../opening/stream-model.js';
import type { Adapter } from './adapter.js';
import { type LoadedAdapter, loadAdapter } from './adapter-directory.js';
import { adapterHash, streamedDecoderHash, withAdapter } from './adapter-notes.js';
import { mergeToSave } from './merge-adapter.js';

/** A model with the files beside its weights. */
export interface ModelAndFiles<Model extends StreamedModel = LoadedModel> {
  readonly model: Model;
  readonly files: Companions;
}

/**
 * Merges an adapter into its base, and gives the model that the adapter was made to be: its head, its `gram.json`, its tokenizer
 * and its chat template where the adapter has them, else those of the base. The configuration records the adapter.
 *
 * @example
 * ```ts
 * const base = await loadModel('models/base');
 * const files = await readCompanions(base.path);
 * const { model } = await applyAdapter({ model: base, files }, 'runs/one/adapter');
 * ```
 *
 * @param dir of an adapter in the files of PEFT
 * @throws {ModelError} `bad-adapter` where the base is not that of the adapter, or has it already; as `loadAdapter`
 */
export async function applyAdapter(base: ModelAndFiles, dir: string): Promise<ModelAndFiles> {
  const { model, files } = await applyAdapterToSave(base, dir);
  return { model: { ...model, weights: await weightsOf(model.weights) }, files };
}

/**
 * Gives the model of `applyAdapter` for `saveModel`, which merges one matrix after the other as it writes. Of a model of `streamModel`,
 * memory holds no more than one matrix.
 *
 * @throws {ModelError} as `applyAdapter`
 */
export async function applyAdapterToSave(
  base: ModelAndFiles<StreamedModel>,
  dir: string,
): Promise<ModelAndFiles<StreamedModel>> {
  const { model } = base;
  const adapter = await loadOver(base, dir);
  const config = withAdapter(adapter.config, adapter);
  const weights = mergeToSave(config, adapter.lora, model.weights, adapter.weights);
  return {
    model: { ...model, config, weights, gram: gramOf(adapter, model, config) },
    files: filesOf(adapter.files, base.files),
  };
}

/** An adapter over a base that stays as it is. */
export interface AdapterOver {
  readonly adapter: Adapter;
  /** Configuration of the model that both are. The head is another one where the adapter brings it. */
  readonly config: ModelConfig;
  /** Files beside that model. */
  readonly files: Companions;
}

/**
 * Loads an adapter to use it over its base, which is not changed: a generator takes both, and the base takes no memory a second time.
 *
 * @param base of `streamModel`: its weights are read where the adapter knows the hash of its base
 * @param dir of an adapter in the files of PEFT
 * @throws {ModelError} as `applyAdapter`
 */
export async function adapterOver(base: ModelAndFiles<StreamedModel>, dir: string): Promise<AdapterOver> {
  const { lora, weights, config, files } = await loadOver(base, dir);
  return { adapter: { lora, weights }, config, files: filesOf(files, base.files) };
}

/** Loads an adapter and checks that it belongs to a base that does not have it yet. */
async function loadOver(
  { model }: Pick<ModelAndFiles<StreamedModel>, 'model'>,
  dir: string,
): Promise<LoadedAdapter> {
  const adapter = await loadAdapter(dir, model.config);
  if (model.config.mergedAdapters?.includes(adapterHash(adapter.lora, adapter.weights))) {
    throw new ModelError(
      'bad-adapter',
      `the adapter in ${dir} is already merged into ${model.path}`,
      'use the model as it is, or merge the adapter into its base',
    );
  }
  if (adapter.base !== undefined && adapter.base !== (await streamedDecoderHash(model.weights))) {
    const named = adapter.baseModel === undefined ? '' : `, ${quote(adapter.baseModel)}`;
    throw new ModelError(
      'bad-adapter',
      `the adapter in ${dir} was trained over other weights than those of ${model.path}`,
      `merge it into its base${named}, unchanged and unrounded`,
    );
  }
  return adapter;
}

/** Returns the `gram.json` of the merged model. That of the base is left out where the adapter has put another head on it. */
function gramOf(adapter: LoadedAdapter, base: StreamedModel, config: ModelConfig): GramMetadata | undefined {
  if (adapter.gram !== undefined) return adapter.gram;
  return kindOf(config).head === kindOf(base.config).head ? base.gram : undefined;
}

/** Returns the files beside the merged model. Those of a tokenizer belong together: all are of the adapter, or of the base. */
function filesOf(own: Companions, base: Companions): Companions {
  if (own.tokenizerJson === undefined) return base;
  return { generationConfigJson: base.generationConfigJson, ...own };
}
