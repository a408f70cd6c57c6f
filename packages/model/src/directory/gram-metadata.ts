import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import type { JsonValue } from '../files/json.js';

/** Fields of `gram.json` that every kind of model has. */
interface CommonMetadata {
  readonly format: 1;
  /** Id of the chat template. */
  readonly chat: string;
  /** Longest input in tokens. */
  readonly maxLength: number;
  /**
   * Way in which text becomes ids: a conversation as a whole, as models are read elsewhere, or each text of the template and of
   * the record apart. @default 'apart'
   */
  readonly encoding?: 'whole' | 'apart';
  /** Notes of the training run about itself. */
  readonly training?: { readonly [key: string]: JsonValue };
}

/** A reward model: it judges a pair by the next token (`generative`), or scores one response (`discriminative`). */
interface RewardModelMetadata extends CommonMetadata {
  readonly kind: 'generative' | 'discriminative';
  /** Id of the judging prompt. */
  readonly judgePrompt: string;
  /** The judging prompt in full, with that id; absent where it is one that gram knows. `@gram/tokenize` reads it. */
  readonly prompt?: { readonly [field: string]: JsonValue };
}

/**
 * A `policy` answers prompts; it is made by supervised fine-tuning or by RLHF. A `value` model predicts the return of
 * PPO. Neither is asked for a judgment.
 */
interface PolicyMetadata extends CommonMetadata {
  readonly kind: 'policy' | 'value';
  readonly judgePrompt?: undefined;
  readonly prompt?: undefined;
}

/** `gram.json`: what kind of model it is, how it was trained and how it must be asked. */
export type GramMetadata = RewardModelMetadata | PolicyMetadata;

const id = z.string().min(1).max(200);

const format = z.literal(1, 'only format 1 is known; a newer version of gram wrote this');
const rest = {
  chat: id,
  maxLength: z.int().min(1),
  encoding: z.enum(['whole', 'apart']).optional(),
  training: z.record(z.string(), z.json()).optional(),
};

const schema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      format,
      kind: z.enum(['generative', 'discriminative']),
      judgePrompt: id,
      prompt: z.record(z.string(), z.json()).optional(),
      ...rest,
    }),
    z.strictObject({ format, kind: z.enum(['policy', 'value']), ...rest }),
  ],
  {
    error: ({ code }) =>
      code === 'invalid_union' ? 'must be generative, discriminative, policy or value' : undefined,
  },
);

/**
 * Checks the parsed content of `gram.json`.
 *
 * @param where names the file in messages.
 */
export function parseGramMetadata(json: unknown, where: string): GramMetadata {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new ModelError(
    'bad-metadata',
    `${where}: ${describeIssues(result.error.issues)}`,
    'save the model again, or delete gram.json to load it as a plain language model',
  );
}
