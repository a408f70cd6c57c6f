import { createHash } from 'node:crypto';
import { canonicalJson, describeIssues, sha256OfParts } from '@gram/base';
import { z } from 'zod';
import type { ModelConfig } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { type GramMetadata, parseGramMetadata } from '../directory/gram-metadata.js';
import { ModelError } from '../error.js';
import { arrayOf, type WritableArrays } from '../safetensors/write.js';
import type { Adapter } from './adapter.js';
import type { LoraConfig } from './lora-config.js';

/** Notes of gram about an adapter, beyond the files of PEFT: `gram_adapter.json`. */
export interface AdapterNotes {
  /** Hash of the decoder under it, see `decoderHash`. */
  readonly base: string;
  /** Head of the model that it makes of its base. */
  readonly head: Pick<ModelConfig, 'scoreHead' | 'keepsLanguageHead'> & {
    readonly kind: 'next-token' | 'score';
  };
  /** The `gram.json` of that model. */
  readonly model?: GramMetadata | undefined;
}

/** Name of the file of the notes. */
export const NOTES_FILE = 'gram_adapter.json';

const schema = z.strictObject({
  format: z.literal(1, 'only format 1 is known; a newer version of gram wrote this'),
  base: z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256'),
  head: z.strictObject({
    kind: z.enum(['next-token', 'score']),
    scoreHead: z.strictObject({ hiddenSize: z.int().min(1).max(1_000_000) }).optional(),
    keepsLanguageHead: z.boolean().optional(),
  }),
  model: z.unknown().optional(),
});

/**
 * Checks the parsed content of `gram_adapter.json`.
 *
 * @param where names the file in messages
 * @throws {ModelError} `bad-metadata`
 */
export function parseAdapterNotes(json: unknown, where: string): AdapterNotes {
  const result = schema.safeParse(json);
  if (!result.success) {
    throw new ModelError(
      'bad-metadata',
      `${where}: ${describeIssues(result.error.issues)}`,
      'get the adapter again, or delete the file to merge what PEFT knows of the adapter',
    );
  }
  const { base, head, model } = result.data;
  return { base, head, model: model === undefined ? undefined : parseGramMetadata(model, `${where}: model`) };
}

/** Writes the text of `gram_adapter.json`. */
export function adapterNotesText(notes: AdapterNotes): string {
  return `${JSON.stringify({ format: 1, ...notes }, null, 2)}\n`;
}

/**
 * Computes the hash of what an adapter builds on: names, shapes and float32 values of a model's embedding, layers and last norm. The heads are
 * left out, because a stage may put another head on the same decoder. The element type of the files makes no difference as long as
 * the values are the same.
 */
export function decoderHash(weights: Weights): string {
  return hashOf(decoderOf(weights));
}

/** Computes `decoderHash` of weights that are made one after the other. */
export async function streamedDecoderHash(weights: WritableArrays): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, weight] of sortedByName(decoderOf(weights))) {
    hash.update(labelOf(name, weight.shape)).update((await arrayOf(name, weight)).data);
  }
  return hash.digest('hex');
}

function decoderOf<Weight>(weights: Readonly<Record<string, Weight>>): [string, Weight][] {
  return Object.entries(weights).filter(([name]) => name.startsWith('model.'));
}

/** Computes the hash by which a model knows an adapter that was merged into it. */
export function adapterHash(lora: LoraConfig, weights: Weights): string {
  const { rank, alpha, rankStabilized = false } = lora;
  return hashOf(Object.entries(weights), canonicalJson({ rank, alpha, rankStabilized }));
}

/** Returns the configuration of a model into which an adapter was merged, which records the adapter. */
export function withAdapter(config: ModelConfig, { lora, weights }: Adapter): ModelConfig {
  return { ...config, mergedAdapters: [...(config.mergedAdapters ?? []), adapterHash(lora, weights)] };
}

function hashOf(weights: readonly [string, Weights[string]][], start = ''): string {
  const parts = sortedByName(weights).flatMap(([name, { shape, data }]) => [labelOf(name, shape), data]);
  return sha256OfParts([start, ...parts]);
}

function sortedByName<Weight>(weights: readonly [string, Weight][]): [string, Weight][] {
  return [...weights].sort(([a], [b]) => (a < b ? -1 : 1));
}

function labelOf(name: string, shape: readonly number[]): string {
  return `${name}[${shape}]`;
}
