// Troubles with memory: a limit on the process, and a model that no machine holds.
import { readFileSync, writeFileSync } from 'node:fs';
import { sets } from '../stops/workshop.mjs';
import { limited } from './stage.mjs';

const SIZES = ['hiddenSize=512', 'intermediateSize=1024', 'numHiddenLayers=24'];
/** Kilobytes of address space: enough to start, and not for the model. */
const LIMIT = 1_700_000;

export const memory = [
  {
    name: 'memory limited',
    runs: ['finetune'],
    missing: process.platform === 'linux' ? undefined : 'only Linux tells its limits',
    async make({ stage, expectSaid }) {
      const larger = [...stage.command, ...sets(...SIZES.map((size) => `init.scratch.${size}`))];
      const { ended } = stage.start(limited(`-v ${LIMIT}`, larger));
      expectSaid(await ended, { how: 1, words: /takes about .* of memory, and the limit .*; lower / });
    },
  },
  {
    name: 'model larger than the machine',
    runs: ['LoRA', 'benchmark', 'eval'],
    async make({ stage, expectSaid, fault }) {
      const path = stage.path('base/config.json');
      const text = readFileSync(path, 'utf8');
      const sizes = { hidden_size: 65536, intermediate_size: 262144, num_hidden_layers: 200 };
      const config = { ...JSON.parse(text), ...sizes, head_dim: 128 };
      writeFileSync(path, JSON.stringify(config));
      const started = performance.now();
      const ended = await stage.start().ended;
      expectSaid(ended, { how: 1, words: /loading the weights of .* takes about [\d.]+ GB of memory, and / });
      const seconds = (performance.now() - started) / 1000;
      if (seconds > 30) fault(`it took ${seconds.toFixed(0)} s to answer`);
      writeFileSync(path, text);
    },
  },
];
