// Peak memory of judging a pair and of generating 16 tokens after 512, each in a fresh process, beside the bytes of the weights.
// Linux only: the kernel counts.
//
//   --model MODEL       a model directory or a GGUF file with a chat template
//   --precision NAME    float32, int8 or int4; default all three
//   --use NAME          judge or generate; default both
import { parseArgs } from 'node:util';
import { cacheBytes, inspectModel, weightBytes } from '@gram/model';
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
// The first process of a precision packs the weights; memory is that of a process which does so as well as of one that does not.
const base = await measure('float32', 'nothing');
console.log(`without a model, with the runtime and the tokenizer: ${mega(base.peak)}`);
console.log('use       precision  weights  cache   peak     resting  (peak - process) / (weights + cache)');
for (const precision of values.precision === undefined ? ['float32', 'int8', 'int4'] : [values.precision]) {
  const weights = weightBytes(config, precision);
  const cache = cacheBytes(config, TOKENS);
  for (const use of values.use === undefined ? ['judge', 'generate'] : [values.use]) {
    const { peak, resting } = await measure(precision, use);
    const cells = [use.padEnd(9), precision.padEnd(10), ...[weights, cache, peak, resting].map(mega)];
    console.log(`${cells.join(' '.repeat(2))}  ${times((peak - base.peak) / (weights + cache))}`);
  }
}
