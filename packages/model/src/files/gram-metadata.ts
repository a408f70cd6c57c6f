import { z } from 'zod';
import { ModelError } from '../error.js';
import { describeIssues, type JsonValue } from './json.js';

/** `gram.json`: how a reward model was trained and must be asked. */
export interface GramMetadata {
  readonly format: 1;
  /** Judges a pair by the next token, or scores one response. */
  readonly kind: 'generative' | 'discriminative';
  /** Id of the judge prompt. */
  readonly judgePrompt: string;
  /** Id of the chat template. */
  readonly chat: string;
  /** Longest input in tokens. */
  readonly maxLength: number;
  /** What the training run noted about itself. */
  readonly training?: { readonly [key: string]: JsonValue };
}

const id = z.string().min(1).max(200);

const schema = z.strictObject({
  format: z.literal(1, 'only format 1 is known; a newer version of gram wrote this'),
  kind: z.enum(['generative', 'discriminative']),
  judgePrompt: id,
  chat: id,
  maxLength: z.int().min(1),
  training: z.record(z.string(), z.json()).optional(),
});

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
    `${where}: ${describeIssues(result.error)}`,
    'save the model again, or delete gram.json to load it as a plain language model',
  );
}
