import {
  type Adapter,
  adapterOver,
  applyAdapterToSave,
  type Companions,
  endIds,
  kindOf,
  type ModelAndFiles,
  type OpenedModel,
  openModel,
  readCompanions,
  type StreamedModel,
  streamModel,
  type WeightPrecision,
} from '@gram/model';
import { type Tokenizer, tokenizerOf } from '@gram/tokenize';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import { withDownload } from './download.js';

/**
 * Opens a model to write it, merged with an adapter where one is given, and reads the texts of the files beside it. Its weights are
 * read one after the other as they are written.
 */
export async function streamWithAdapter(
  pathOrRepo: string,
  adapter: string | undefined,
  io: Io,
): Promise<ModelAndFiles<StreamedModel>> {
  const model = await withDownload(io, (options) => streamModel(pathOrRepo, options));
  const files = await readCompanions(model.path);
  return adapter === undefined ? { model, files } : applyAdapterToSave({ model, files }, adapter);
}

/** A language model that writes text. */
export interface WritingModel {
  readonly model: OpenedModel;
  /** An adapter over it. */
  readonly adapter: Adapter | undefined;
  readonly files: Companions;
  readonly tokenizer: Tokenizer;
  /** Tokens that each end a text. */
  readonly stopIds: readonly number[];
}

/** Options of `loadWritingModel`. */
export interface WritingOptions {
  /** A directory of an adapter that is laid over it. */
  readonly adapter: string | undefined;
  readonly precision: WeightPrecision | undefined;
}

/** Opens a model that writes text, in its precision. An adapter stays in float32 and beside it, so that the model is in memory once. */
export async function loadWritingModel(
  pathOrRepo: string,
  { adapter, precision }: WritingOptions,
  io: Io,
): Promise<WritingModel> {
  const loaded =
    adapter === undefined
      ? await openWithFiles(pathOrRepo, precision, io)
      : await openWithAdapter(pathOrRepo, { adapter, precision }, io);
  const { config } = loaded.model;
  if (kindOf(config).head === 'score') {
    throw new CliError(
      'no-text',
      `${pathOrRepo} scores texts and writes none`,
      'use it with gram score, or give a language model',
    );
  }
  const tokenizer = tokenizerOf(loaded.files, pathOrRepo);
  const more = moreEndIds(loaded.files.generationConfigJson);
  const stopIds = [...new Set([...endIds(config), ...more])].filter((id) => id < config.vocabSize);
  return { ...loaded, tokenizer, stopIds };
}

async function openWithAdapter(
  pathOrRepo: string,
  { adapter: dir, precision }: WritingOptions & { readonly adapter: string },
  io: Io,
): Promise<Omit<WritingModel, 'tokenizer' | 'stopIds'>> {
  const streamed = await withDownload(io, (options) => streamModel(pathOrRepo, options));
  const base = { model: streamed, files: await readCompanions(streamed.path) };
  const { adapter, config, files } = await adapterOver(base, dir);
  const model = await openModel(streamed.path, { precision });
  return { model: { ...model, config }, adapter, files };
}

async function openWithFiles(
  pathOrRepo: string,
  precision: WeightPrecision | undefined,
  io: Io,
): Promise<Omit<WritingModel, 'tokenizer' | 'stopIds'>> {
  const model = await withDownload(io, (options) => openModel(pathOrRepo, { ...options, precision }));
  return { model, adapter: undefined, files: await readCompanions(model.path) };
}

/** Returns the end tokens of `generation_config.json`: chat models often end a turn with another token than a document. */
function moreEndIds(json: string | undefined): number[] {
  if (json === undefined) return [];
  let parsed: { eos_token_id?: unknown } | null;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new CliError('bad-file', 'generation_config.json is not valid JSON', 'get the model again', {
      cause,
    });
  }
  return [parsed?.eos_token_id ?? []]
    .flat()
    .filter((id): id is number => Number.isInteger(id) && (id as number) >= 0);
}
