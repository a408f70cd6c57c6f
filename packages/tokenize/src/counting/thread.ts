/** The thread that counts tokens beside the main one, see `createTokenCounter`. It is a module of its own in the built package. */
import { serveWork } from '@gram/base';
import { tokenizerFromJson } from '../library.js';
import { countTokens } from './token-counter.js';

await serveWork<string, readonly string[], readonly number[]>(async (json) => {
  const tokenizer = tokenizerFromJson(json);
  return async (texts) => ({ result: await countTokens(tokenizer, texts) });
});
