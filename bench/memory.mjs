// Peak memory of judging a pair and of generating 16 tokens after 512, each in a fresh process, beside the bytes of the weights.
// Linux only: the kernel counts.
//
//   --model MODEL       a model directory or a GGUF file with a chat template
//   --precision NAME    float32, int8 or int4; default all three
//   --use NAME          judge or generate; default both
import { parseArgs } from 'node:util';
import { cacheBytes, inspectModel, peakMemory, roundedHeadBytes, weightBytes } from '@gram/model';
import { json, mega, times } from './common.mjs';

const { values } = parseArgs({
  options: { model: { type: 'string' }, precision: { type: 'string' }, use: { type: 'string' } },
});
if (values.model === undefined) throw new Error('give --model');
const TOKENS = 528;

const measure = (precision, use) =>
  json(process.execPath, [
    '--expose-gc',
    new URL('memory/case.mjs', import.meta.url).pathname,
    values.model,
    precision,
    use,
  ]);

const { config } = await inspectModel(values.model);
const base = await measure('float32', 'nothing');
console.log(`without a model, with the runtime and the tokenizer: ${mega(base.peak)}`);
// The tokens of the pair that is judged follow from the tokenizer; with that of SmolLM2 there are 700.
const USES = {
  judge: { kind: 'judge', rows: 2, tokens: 700 },
  generate: { kind: 'generate', rows: 1, tokens: TOKENS },
};
/** The weights that a use has in memory: rows of the embedding are read from the file. */
function usedWeights(precision, use) {
  const table = 4 * config.vocabSize * config.hiddenSize;
  const layers = weightBytes(config, precision) - (config.tieWordEmbeddings ? 1 : 2) * table;
  if (use === 'judge') return layers;
  return layers + (precision === 'float32' ? table : roundedHeadBytes(config));
}
console.log(
  'use       precision  weights  cache   peak     resting  (peak - process) / (weights + cache)  peak / estimate',
);
for (const precision of values.precision === undefined ? ['float32', 'int8', 'int4'] : [values.precision]) {
  const cache = cacheBytes(config, TOKENS);
  for (const use of values.use === undefined ? ['judge', 'generate'] : [values.use]) {
    const weights = usedWeights(precision, use);
    if (precision !== 'float32') await measure(precision, use);
    const { peak, resting } = await measure(precision, use);
    const { opened } = peakMemory(config, { ...USES[use], precision });
    const cells = [use.padEnd(9), precision.padEnd(10), ...[weights, cache, peak, resting].map(mega)];
    console.log(
      `${cells.join(' '.repeat(2))}  ${times((peak - base.peak) / (weights + cache)).padEnd(36)}  ${times(peak / opened)}`,
    );
  }
}
