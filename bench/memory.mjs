/**
 * Measures the peak memory of judging a pair and of generating 16 tokens after 512, each in a fresh process:
 *
 *     npm run bench:memory -- --model MODEL [--rounds 1]
 *
 * MODEL is a directory or a GGUF file with a chat template. The figures stand beside the bytes of weights and cache and beside the
 * estimate of `gram inspect`. Integers are packed by a process that is not counted. Linux only: the kernel counts.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheBytes, inspectModel, peakMemory, roundedHeadBytes, weightBytes } from '@gram/model';
import { json, turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: { model: { type: 'string' }, rounds: { type: 'string', default: '1' } },
});
if (options.model === undefined) {
  console.error('bench:memory needs --model: a model directory or a GGUF file');
  process.exit(2);
}
const NEW_TOKENS = 528;
// The tokens of the pair that is judged follow from the tokenizer; with that of SmolLM2 there are 700.
const USES = {
  judge: { kind: 'judge', rows: 2, tokens: 700 },
  generate: { kind: 'generate', rows: 1, tokens: NEW_TOKENS },
};
const PRECISIONS = ['float32', 'int8', 'int4'];
/** Largest peak above that of a process without a model, in weights and cache. */
const MOST = { float32: 1.15, int8: 1.3, int4: 1.3 };

const rounds = Number(options.rounds);
const machine = describeMachine();
const { config } = await inspectModel(options.model);
const script = fileURLToPath(new URL('./memory/case.mjs', import.meta.url));
const measure = (precision, use) =>
  json(process.execPath, ['--expose-gc', script, options.model, precision, use]);
const nameOf = (precision, use) => `gram ${precision}, ${use}`;
const cases = Object.keys(USES).flatMap((use) => PRECISIONS.map((precision) => ({ precision, use })));

for (const { precision, use } of cases) if (precision !== 'float32') await measure(precision, use);
const { peak: base } = await measure('float32', 'nothing');
const { results, absent } = await turns(
  rounds,
  Object.fromEntries(
    cases.map(({ precision, use }) => [nameOf(precision, use), () => measure(precision, use)]),
  ),
);
await publish({
  name: 'memory',
  title: 'Memory',
  about: `Each figure is the peak of one process. A process without a model, with the runtime and the tokenizer, takes ${Math.round(base / 1e6)} MB of it.`,
  ...{ machine, rounds, results, absent },
  figures: [
    { name: 'peak', unit: 'MB', of: ({ peak }) => peak / 1e6 },
    { name: 'at rest', unit: 'MB', of: ({ resting }) => resting / 1e6, isPlotted: false },
  ],
  targets: cases.flatMap(targetsOf),
});

/** The weights that a use has in memory: rows of the embedding are read from the file. */
function usedWeights(precision, use) {
  const table = 4 * config.vocabSize * config.hiddenSize;
  const layers = weightBytes(config, precision) - (config.tieWordEmbeddings ? 1 : 2) * table;
  if (use === 'judge') return layers;
  return layers + (precision === 'float32' ? table : roundedHeadBytes(config));
}

function targetsOf({ precision, use }) {
  const own = nameOf(precision, use);
  const needed = usedWeights(precision, use) + cacheBytes(config, NEW_TOKENS);
  const estimate = peakMemory(config, { ...USES[use], precision }).opened;
  return [
    {
      name: `${own}: peak above an empty process, of weights and cache`,
      ...{ own, most: MOST[precision] },
      of: ({ peak }) => (peak - base) / needed,
    },
    {
      name: `${own}: difference to the estimate of gram inspect`,
      ...{ own, most: 15, unit: '%' },
      of: ({ peak }) => 100 * Math.abs(peak / estimate - 1),
    },
  ];
}
