import { z } from 'zod';
import { familyOf, type ModelConfig } from './model-config.js';

/** The fields of `config.json` that transformers does not have: those of the heads on the decoder. */
export const headFields = {
  score_head: z.strictObject({ hidden_size: z.int().min(1).max(1_000_000) }).optional(),
  keeps_language_head: z.boolean().default(false),
};
type HeadFields = z.infer<z.ZodObject<typeof headFields>>;

const TYPE_PREFIX = 'gram_';
const ARCHITECTURE_PREFIX = 'Gram';

/** Writes the fields of the heads. */
export function headFieldsJson({ scoreHead, keepsLanguageHead }: ModelConfig): Record<string, unknown> {
  return {
    ...(scoreHead && { score_head: { hidden_size: scoreHead.hiddenSize } }),
    ...(keepsLanguageHead && { keeps_language_head: true }),
  };
}

/**
 * The type of a model with a score head that transformers does not know, `gram_llama` for example; nothing for any other.
 *
 * transformers chooses the class of a model by `model_type`, not by `architectures`. With the type of the decoder it would put
 * a random linear head in the place of ours, with no more than a warning. A type that it does not know is an error.
 */
export function ownTypeJson(config: ModelConfig): Record<string, unknown> {
  if (config.scoreHead === undefined) return {};
  return {
    architectures: [`${ARCHITECTURE_PREFIX}${config.architecture}`],
    model_type: `${TYPE_PREFIX}${familyOf(config).modelType}`,
  };
}

/** Undoes `ownTypeJson`: returns the configuration under its decoder's type, and whether it was under ours. */
export function withoutOwnType(json: unknown): { json: unknown; isOwn: boolean } {
  if (typeof json !== 'object' || json === null) return { json, isOwn: false };
  const { model_type: type, architectures } = json as Record<string, unknown>;
  if (typeof type !== 'string' || !type.startsWith(TYPE_PREFIX)) return { json, isOwn: false };
  const named = Array.isArray(architectures) ? architectures : [];
  const plain = named.map((name: unknown) =>
    typeof name === 'string' && name.startsWith(ARCHITECTURE_PREFIX)
      ? name.slice(ARCHITECTURE_PREFIX.length)
      : name,
  );
  return {
    json: { ...json, model_type: type.slice(TYPE_PREFIX.length), architectures: plain },
    isOwn: true,
  };
}

/**
 * Returns the heads that the fields describe, or what is wrong with the fields.
 *
 * @param isOwn Whether the configuration has a type of ours.
 */
export function headsOf(
  { score_head: scoreHead, keeps_language_head: keepsLanguageHead }: HeadFields,
  head: 'next-token' | 'score',
  isOwn: boolean,
): Pick<ModelConfig, 'scoreHead' | 'keepsLanguageHead'> | string {
  if (head !== 'score' && (scoreHead !== undefined || keepsLanguageHead)) {
    return 'score_head and keeps_language_head are for models that score';
  }
  if (isOwn && scoreHead === undefined) {
    return `a model_type that begins with ${TYPE_PREFIX} is for models with a score_head`;
  }
  if (!isOwn && scoreHead !== undefined) {
    return `a model with a score_head has a model_type that begins with ${TYPE_PREFIX}`;
  }
  return {
    ...(scoreHead && { scoreHead: { hiddenSize: scoreHead.hidden_size } }),
    ...(keepsLanguageHead && { keepsLanguageHead }),
  };
}
