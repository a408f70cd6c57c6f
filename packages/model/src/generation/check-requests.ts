import { longestSequence, type ModelConfig } from '../config/model-config.js';
import { ModelError } from '../error.js';
import type { GenerateOptions, GenerationRequest } from './generation.js';

/**
 * Checks everything that could go wrong later, so that a bad request costs nothing.
 *
 * @throws {ModelError} `bad-request`
 */
export function checkRequests(
  requests: readonly GenerationRequest[],
  { maxNewTokens, stopIds, stopText }: GenerateOptions,
  config: ModelConfig,
): void {
  const { vocabSize } = config;
  const longest = longestSequence(config);
  const isToken = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabSize;
  require(Number.isInteger(maxNewTokens) &&
    maxNewTokens >= 1, `maxNewTokens is ${maxNewTokens}`, 'give a whole number of at least 1');
  require(stopIds.every(isToken), `a stop token is not below ${vocabSize}`, 'give ids of the vocabulary');
  require(!stopText?.strings.includes(
    '',
  ), 'a stop string is empty', 'give strings of at least one character');
  for (const [i, { ids, decodings }] of requests.entries()) {
    const name = `request ${i}`;
    require(ids.length > 0, `${name} has an empty prompt`, 'start with at least one token');
    require(ids.every(
      isToken,
    ), `${name} has a token that is not below ${vocabSize}`, 'use the tokenizer of the model');
    require(ids.length + maxNewTokens <=
      longest, `${name} has ${ids.length} tokens, and with ${maxNewTokens} new ones passes the ${longest} of the model`, 'shorten the prompt, or ask for fewer new tokens');
    for (const {
      temperature = 1,
      topK = 1,
      topP = 1,
      minP = 0,
      repetitionPenalty = 1,
      random,
    } of decodings) {
      require(temperature >= 0 &&
        temperature < Number.POSITIVE_INFINITY, `${name}: temperature is ${temperature}`, 'give 0 or more');
      require(Number.isInteger(topK) &&
        topK >= 1, `${name}: topK is ${topK}`, 'give a whole number of at least 1');
      require(topP > 0 && topP <= 1, `${name}: topP is ${topP}`, 'give a number above 0, and at most 1');
      require(minP >= 0 && minP <= 1, `${name}: minP is ${minP}`, 'give a number from 0 to 1');
      require(repetitionPenalty > 0 &&
        repetitionPenalty <
          Number.POSITIVE_INFINITY, `${name}: repetitionPenalty is ${repetitionPenalty}`, 'give a number above 0; 1 changes nothing');
      require(temperature === 0 ||
        random !== undefined, `${name} samples without a random stream`, 'give random, or temperature 0');
    }
  }
}

function require(holds: boolean, problem: string, hint: string): void {
  if (!holds) throw new ModelError('bad-request', problem, hint);
}
