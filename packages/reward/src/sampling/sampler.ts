import type { Prompt, Tool } from '@gram/base';
import {
  type Completion,
  createGenerator,
  type Decoding,
  type GeneratorOptions,
  longestSequence,
} from '@gram/model';
import { RewardError, type RunOptions } from '@gram/ranking';
import type { ChatEncoder, Tokenizer } from '@gram/tokenize';
import { taken } from '../taken.js';

/** A prompt, and how each response to it is drawn. */
export interface SampleItem {
  /** Names the item in errors. */
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  /** One for each response. */
  readonly decodings: readonly Decoding[];
}

/** A response as text and as tokens. */
export interface SampledResponse extends Completion {
  /** Text without special tokens. */
  readonly text: string;
}

/** A prompt with its responses, in the order of the decodings. */
export interface SampledPrompt {
  /** The ids that the responses continue. */
  readonly promptIds: readonly number[];
  /** Whether the prompt was cut to fit. */
  readonly truncated: boolean;
  /** Whether control tokens that the prompt spells were taken for ordinary text. */
  readonly neutralized: boolean;
  readonly responses: readonly SampledResponse[];
}

/** Options of `ResponseSampler.sample`. */
export interface SampleOptions extends RunOptions {
  /** Maximum number of tokens of a response, the end token included. */
  readonly maxNewTokens: number;
}

/** Options of `createResponseSampler`. */
export interface SamplerOptions extends GeneratorOptions {
  readonly tokenizer: Tokenizer;
  readonly encoder: Pick<ChatEncoder, 'prompt' | 'endId'>;
  /** Tokens and texts that end a response, beside the end of a turn; a text stays a part of the response. @default none */
  readonly stop?: { readonly ids?: readonly number[]; readonly strings?: readonly string[] } | undefined;
}

/** A policy that responds to prompts. */
export interface ResponseSampler {
  /**
   * Draws responses to prompts, in the order of the items. Each prompt is read once for all of its responses.
   *
   * @throws RewardError `too-long`, naming the item, before anything is generated; ModelError of the generator
   */
  sample(items: readonly SampleItem[], options: SampleOptions): Promise<SampledPrompt[]>;
  /** Frees the native executables. The weights are not touched. */
  dispose(): void;
}

/** Creates a sampler of a policy. On the CPU its weights are read as they are at each call, see `GeneratorOptions`. */
export function createResponseSampler({
  tokenizer,
  encoder,
  stop: { ids: stopIds = [], strings = [] } = {},
  ...model
}: SamplerOptions): ResponseSampler {
  const generator = createGenerator(model);
  const withText = async (completion: Completion): Promise<SampledResponse> => ({
    ...completion,
    text: await tokenizer.decode(completion.ids, { skipSpecial: true }),
  });
  return {
    async sample(items, { maxNewTokens, signal, onProgress }) {
      const requests = await Promise.all(
        items.map(async ({ decodings, ...item }) => {
          return { id: item.id, decodings, ...(await encoder.prompt(item)) };
        }),
      );
      for (const { id, ids } of requests) {
        checkLength(id, ids.length, maxNewTokens, longestSequence(model.config));
      }
      const options = {
        ...{ maxNewTokens, signal, onProgress },
        stopIds: [encoder.endId, ...stopIds],
        ...(strings.length > 0 && {
          stopText: { strings, decode: (ids: readonly number[]) => tokenizer.decode(ids) },
        }),
      };
      const completions = (await generator.generate(requests, options)).values();
      return Promise.all(
        requests.map(async ({ ids, truncated, neutralized }) => {
          const responses = await Promise.all(taken(completions).map(withText));
          return { promptIds: ids, truncated, neutralized, responses };
        }),
      );
    },
    dispose: () => generator.dispose(),
  };
}

function checkLength(id: string, prompt: number, maxNewTokens: number, limit: number): void {
  if (prompt + maxNewTokens <= limit) return;
  throw new RewardError(
    'too-long',
    `the prompt of ${JSON.stringify(id)} has ${prompt} tokens, and with ${maxNewTokens} new ones passes the ${limit} of the model`,
    'shorten the prompt, or ask for fewer new tokens',
  );
}
