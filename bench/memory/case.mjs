// Opens a model in a fresh process, judges a pair or generates a text, and prints the memory that it took.
// Usage: node bench/memory/case.mjs MODEL PRECISION judge|generate|nothing
import { readFileSync } from 'node:fs';
import { memory } from './kernel.mjs';

const [path, precision, use] = process.argv.slice(2);
const PROMPT_TOKENS = 512;
const NEW_TOKENS = 16;

const { createGenerator, openModel, readCompanions } = await import('@gram/model');
const { loadRewardModel } = await import('@gram/reward');
const { tokenizerOf } = await import('@gram/tokenize');
const { int8Kernel } = await import('@gram/engine');

let result = {};
if (use === 'judge') {
  const model = await loadRewardModel(path, { precision, judgePrompt: 'gram-eval-1' });
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const pair = { prompt: text.slice(0, 600), a: text.slice(600, 1500), b: text.slice(1500, 2400) };
  const [{ orders }] = await model.compare([pair]);
  result = { orders };
} else if (use === 'generate') {
  // It is there in every process that writes text.
  const tokenizer = tokenizerOf(await readCompanions(path), path);
  const { config, weights } = await openModel(path, { precision });
  const generator = createGenerator({ config, weights });
  const ids = Array.from({ length: PROMPT_TOKENS }, (_, i) => ((i * 7919) % 40_000) + 100);
  const options = { maxNewTokens: NEW_TOKENS, stopIds: [] };
  const [[completion]] = await generator.generate([{ ids, decodings: [{ temperature: 0 }] }], options);
  result = { text: await tokenizer.decode(completion.ids) };
} else {
  // Everything but the model: the runtime is loaded and the tokenizer read.
  int8Kernel();
  tokenizerOf(await readCompanions(path), path);
}
globalThis.gc?.();
console.log(JSON.stringify({ ...memory(), ...result }));
