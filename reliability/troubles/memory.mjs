// Troubles with memory: a limit on the process, and a model that no machine holds.
import { readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { sets } from '../stops/workshop.mjs';
import { limited } from './stage.mjs';

const SIZES = ['hiddenSize=512', 'intermediateSize=1024', 'numHiddenLayers=24'];
/** Kilobytes of address space: enough to start, and not for the model. */
const LIMIT = 1_700_000;

/** Sizes of the large model: 600 GB of weights, which take no place on a disk that leaves out zeros. */
const LARGE = { hidden_size: 8192, intermediate_size: 32768, num_hidden_layers: 190 };

/** Writes a model of zeros beside the small one, whose configuration and weights have other names meanwhile. */
function writeLargeModel(configPath, weightsPath) {
  const config = { ...JSON.parse(readFileSync(`${configPath}.small`, 'utf8')), ...LARGE };
  writeFileSync(configPath, JSON.stringify(config));
  const small = readFileSync(`${weightsPath}.small`);
  const layer = /^model\.layers\.0\./;
  const tensors = Object.entries(JSON.parse(small.subarray(8, 8 + Number(small.readBigUInt64LE())))).filter(
    ([name]) => name !== '__metadata__',
  );
  const header = {};
  let end = 0;
  for (let at = 0; at < LARGE.num_hidden_layers; at++) {
    for (const [name, { shape: sizes }] of tensors) {
      if (at > 0 && !layer.test(name)) continue;
      const shape = sizes.map((size, axis) => largeSize(name, size, axis));
      const start = end;
      end += 4 * shape.reduce((product, size) => product * size, 1);
      header[name.replace(layer, `model.layers.${at}.`)] = {
        dtype: 'F32',
        shape,
        data_offsets: [start, end],
      };
    }
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(weightsPath, Buffer.concat([length, text]));
  truncateSync(weightsPath, 8 + text.length + end);
}

/** The size of an axis of a weight of the small model in the large one; the heads are as many and as wide. */
function largeSize(name, size, axis) {
  if (/gate_proj|up_proj/.test(name)) return axis === 0 ? LARGE.intermediate_size : LARGE.hidden_size;
  if (/down_proj/.test(name)) return axis === 0 ? LARGE.hidden_size : LARGE.intermediate_size;
  const isHidden = /norm/.test(name) || (/o_proj/.test(name) ? axis === 0 : axis === 1);
  return isHidden ? LARGE.hidden_size : size;
}

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
    runs: ['LoRA', 'eval', 'benchmark'],
    async make({ stage, expectSaid, fault }) {
      const files = ['config.json', 'model.safetensors'].map((name) => stage.path(`base/${name}`));
      for (const file of files) renameSync(file, `${file}.small`);
      writeLargeModel(...files);
      const started = performance.now();
      const ended = await stage.start().ended;
      expectSaid(ended, {
        how: 1,
        words: /(loading the weights of|opening) .* takes about [\d.]+ GB of memory, and /,
      });
      const seconds = (performance.now() - started) / 1000;
      if (seconds > 30) fault(`it took ${seconds.toFixed(0)} s to answer`);
      for (const file of files) renameSync(`${file}.small`, file);
    },
  },
];
