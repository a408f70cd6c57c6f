import { createRandom } from '@gram/base';
import {
  type Companions,
  endIds,
  initAdapter,
  inspectModel,
  kindOf,
  loadModel,
  longestSequence,
  type ModelConfig,
  readCompanions,
  resolveModel,
  sharedLength,
} from '@gram/model';
import {
  type ChatEncoder,
  chatLayoutOf,
  createChatEncoder,
  encodingOf,
  type Tokenizer,
  tokenizerOf,
} from '@gram/tokenize';
import { PpoError } from '../error.js';
import type { PpoOptions } from '../options.js';
import type { PpoRun } from '../run/run.js';
import type { RlhfConfig } from '../settings/schema.js';

/** The settings of a configuration that say which policy answers, and how long its prompts may be. */
export type PolicySettings = Pick<RlhfConfig, 'policy' | 'maxLength' | 'overlong'>;

/** A policy with what answers prompts with it. */
export interface PolicyModel {
  readonly model: PpoRun['policy'];
  readonly files: Companions;
  readonly tokenizer: Tokenizer;
  readonly encoder: ChatEncoder;
  readonly longestPrompt: number;
  /** Tokens of the model that end a response, beside the end of a turn. */
  readonly stopIds: readonly number[];
}

/** Loads the policy. What is small comes first: what does not fit is refused before any weight is read. */
export async function loadPolicyModel(
  { policy: { model: source, chat: wanted, lora }, maxLength, overlong }: PolicySettings,
  { maxNewTokens, seed }: Pick<PpoOptions, 'maxNewTokens' | 'seed'>,
  signal: AbortSignal | undefined,
): Promise<PolicyModel> {
  const path = await resolveModel(source, { ...(signal && { signal }) });
  const { config, gram } = await inspectModel(path);
  if (kindOf(config).head !== 'next-token') {
    throw new PpoError(
      'bad-option',
      `${source} scores texts and writes none`,
      'give a language model as policy.model',
    );
  }
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, source);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new PpoError(
      'bad-option',
      `the tokenizer in ${source} has ${tokenizer.vocabSize} tokens and the model ${config.vocabSize}`,
      'use the tokenizer that belongs to the model',
    );
  }
  const layout = wanted ?? gram?.chat;
  const chat = await chatLayoutOf(files, tokenizer, source, layout === 'template' ? undefined : layout);
  const longest = roomOf(config, maxLength ?? gram?.maxLength, source);
  const longestPrompt = longest - maxNewTokens;
  if (longestPrompt < 1) {
    throw new PpoError(
      'bad-option',
      `maxNewTokens is ${maxNewTokens}, and leaves no room for a prompt in ${longest} tokens`,
      `set maxNewTokens below ${longest}`,
    );
  }
  const encoding = encodingOf(gram);
  const encoder = await createChatEncoder({
    ...{ tokenizer, chat, encoding, maxLength: longestPrompt },
    overlong: overlong === 'truncate' ? 'truncate' : 'error',
  });
  const { weights } = await loadModel(path, { ...(signal && { signal }) });
  const adapter = lora && {
    lora,
    weights: initAdapter(config, lora, weights, createRandom(seed, 'adapter')),
  };
  return {
    model: {
      ...{ config, weights },
      ...(adapter && { adapter }),
      gram: { chat: chat.id, maxLength: longest, encoding },
    },
    ...{ files, tokenizer, encoder, longestPrompt },
    stopIds: endIds(config).filter((id) => id !== encoder.endId),
  };
}

/** Tokens that a prompt and its response may have together. */
function roomOf(config: ModelConfig, wanted: number | undefined, source: string): number {
  // The positions of longer sequences turn by the length to which a batch happens to be padded.
  const longest = Math.min(longestSequence(config), sharedLength(config));
  if (wanted === undefined || wanted <= longest) return wanted ?? longest;
  throw new PpoError(
    'bad-option',
    `maxLength is ${wanted}, and the model in ${source} is made for ${longest} tokens`,
    `set maxLength to ${longest} or less`,
  );
}
