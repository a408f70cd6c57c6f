import {
  type Completion,
  createGenerator,
  type Decoding,
  type GeneratorOptions,
  longestSequence,
} from '@gram/model';
import { RewardError, type RunOptions } from '@gram/ranking';
import type { ChatEncoder, Tokenizer } from '@gram/tokenize';

/** A prompt, and how each of the responses wanted of it is drawn. */
export interface SampleItem {
  /** Names the item in errors. */
  readonly id: string;
  readonly prompt: string;
  /** One response for each. */
  readonly decodings: readonly Decoding[];
}

/** A response as text and as tokens. */
export interface SampledResponse extends Completion {
  /** Without special tokens. */
  readonly text: string;
}

/** A prompt with its responses, in the order of the decodings. */
export interface SampledPrompt {
  /** The ids that the responses continue. */
  readonly promptIds: readonly number[];
  /** Whether the prompt was cut to fit. */
  readonly truncated: boolean;
  readonly responses: readonly SampledResponse[];
}

/** Options of `ResponseSampler.sample`. */
export interface SampleOptions extends RunOptions {
  /** The most tokens of a response, the end token included. */
  readonly maxNewTokens: number;
}

/** What a response sampler is made of. */
export interface SamplerOptions extends GeneratorOptions {
  readonly tokenizer: Tokenizer;
  readonly encoder: Pick<ChatEncoder, 'prompt' | 'endId'>;
}

/** Draws responses of a policy. */
export interface ResponseSampler {
  /**
   * Responses to prompts, in the order of the items. Each prompt is read once for all of its responses.
   *
   * @throws RewardError `too-long`, naming the item, before anything is generated; ModelError of the generator
   */
  sample(items: readonly SampleItem[], options: SampleOptions): Promise<SampledPrompt[]>;
  /** Frees the native executables. The weights are not touched. */
  dispose(): void;
}

/** Makes a sampler of a policy. On the CPU its weights are read as they are at each call, see `GeneratorOptions`. */
export function createResponseSampler({ tokenizer, encoder, ...model }: SamplerOptions): ResponseSampler {
  const generator = createGenerator(model);
  return {
    async sample(items, { maxNewTokens, signal, onProgress }) {
      const prompts = await Promise.all(items.map(({ id, prompt }) => encoder.prompt({ id, prompt })));
      for (const [i, { ids }] of prompts.entries()) {
        checkLength(items[i]!.id, ids.length, maxNewTokens, longestSequence(model.config));
      }
      const requests = items.map(({ decodings }, i) => ({ ids: prompts[i]!.ids, decodings }));
      const options = { maxNewTokens, stopIds: [encoder.endId], signal, onProgress };
      const completions = await generator.generate(requests, options);
      const withText = async (completion: Completion): Promise<SampledResponse> => ({
        ...completion,
        text: await tokenizer.decode(completion.ids, { skipSpecial: true }),
      });
      return Promise.all(
        prompts.map(async ({ ids, truncated }, i) => ({
          promptIds: ids,
          truncated,
          responses: await Promise.all(completions[i]!.map(withText)),
        })),
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
    'Shorten the prompt, or ask for fewer new tokens.',
  );
}
