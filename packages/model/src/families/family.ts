import type { z } from 'zod';
import type { DecoderConfig } from './decoder-config.js';
import type { Projection } from './projections.js';

/** Names of the norms around one block of a layer, up to `.weight`. */
export interface BlockNorms {
  /** The norm of the block's input. */
  readonly before: string;
  /** The norm of the block's output, before it is added to the states. @default none */
  readonly after?: string;
}

/** Traits of the decoder of a family; the layers themselves are in `decoder/`. */
export interface DecoderTraits {
  readonly norms: { readonly attention: BlockNorms; readonly feedForward: BlockNorms };
  /** The gain of a norm is this number plus its weight. @default 0 */
  readonly gainOffset?: number;
  /** Whether each head of the queries and keys is normalized before its rotation. @default false */
  readonly hasHeadNorms?: boolean;
  /** The activation a of the feed-forward layer a(gate) * up. */
  readonly activation: 'silu' | 'gelu-tanh';
  /** The projections that have a bias. */
  biases(config: DecoderConfig): readonly Projection[];
  /** The factor on the embeddings. @default none */
  embeddingScale?(config: DecoderConfig): number;
}

/** Values that transformers takes where a field of `config.json` is absent. */
export interface FamilyDefaults {
  readonly maxPositionEmbeddings: number;
  /** @default the number of attention heads */
  readonly numKeyValueHeads?: number;
  /** @default the hidden size divided by the number of heads */
  readonly headDim?: number;
  /** @default false */
  readonly tieWordEmbeddings?: boolean;
}

/** Part of the header of a GGUF file that a family reads. */
export interface GgufSource {
  hasTensor(name: string): boolean;
  /** The number under a key of the architecture, given without the architecture's name. */
  number(key: string): number | undefined;
}

/** Layout in which llama.cpp writes a family to GGUF files. */
export interface GgufTraits {
  /** The value of `general.architecture`. */
  readonly architecture: string;
  /** Names of the norms and of whatever else differs from `gguf/names.ts`, by the names of Hugging Face. */
  readonly names?: Readonly<Record<string, string>>;
  /** Whether the converter interleaves the halves of each head of the queries and keys. @default false */
  readonly hasInterleavedHeads?: boolean;
  /** Keys of the architecture that `fields` reads. @default none */
  readonly keys?: readonly string[];
  /** The fields of `config.json` beside those that all families share. */
  fields(source: GgufSource, common: { readonly headDim: number }): Record<string, unknown>;
}

/** Everything that is peculiar to a family of decoders. */
export interface Family<Fields extends z.core.$ZodLooseShape = z.core.$ZodLooseShape> {
  /** The value of `model_type`. */
  readonly modelType: string;
  /** The fields of `config.json` beside those that all families share. */
  readonly fields: Fields;
  /** The fields that transformers takes only as floating-point numbers, written 50.0 and not 50. @default none */
  readonly floatFields?: readonly string[];
  readonly defaults: FamilyDefaults;
  readonly decoder: DecoderTraits;
  /** @default GGUF files of the family are not read, or are those of another family */
  readonly gguf?: GgufTraits;
  /** The part of the configuration that the family's own fields give, or what is wrong with them. */
  read(fields: z.infer<z.ZodObject<Fields>>, layers: number): Partial<DecoderConfig> | string;
  /** The family's own fields, as they are written. `read` of them gives the configuration back. */
  write(config: DecoderConfig): Record<string, unknown>;
}

/** Checks the types of a family, and forgets those of its own fields. */
export function defineFamily<Fields extends z.core.$ZodLooseShape>(family: Family<Fields>): Family {
  return family as Family;
}

/** The norms of Llama, and of most families after it. */
export const LLAMA_NORMS: DecoderTraits['norms'] = {
  attention: { before: 'input_layernorm' },
  feedForward: { before: 'post_attention_layernorm' },
};
