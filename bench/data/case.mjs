// One process of bench:data: `node case.mjs WORK FOLDER FILE [TOKENIZER]`. The last line that it prints is JSON.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createRandom } from '@gram/base';
import { initWeights, readCompanions, saveModel } from '@gram/model';
import { loadTokenizer, tokenizerOf } from '@gram/tokenize';
import { prepareTraining, readTrainingConfig } from '@gram/train';

const [work, folder, file, tokenizer] = process.argv.slice(2);
const model = join(folder, 'model');
process.env.GRAM_CACHE = join(folder, 'cache');

const config = (init) =>
  readTrainingConfig(
    undefined,
    [
      `data.path=${file}`,
      `output=${join(folder, 'out')}`,
      init,
      'maxLength=1024',
      'overlong=truncate',
      'optimizer={learningRate: 0.001, batchSize: 16}',
    ],
    { stage: 'finetune' },
  );

const works = {
  /** Makes the small model. */
  async model() {
    const shape =
      'hiddenSize: 32, intermediateSize: 64, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 1024';
    const result = (await prepareTraining(config(`init.scratch={vocabSize: 4000, ${shape}}`))).result();
    if (!tokenizer) {
      await saveModel(model, result);
      return {};
    }
    const { vocabSize } = loadTokenizer(tokenizer);
    const made = { ...result.config, vocabSize };
    const weights = initWeights(made, createRandom(1, 'weights'));
    await saveModel(model, { config: made, weights, ...(await readCompanions(tokenizer)) });
    return {};
  },
  /** Parses and tokenizes as many records at a time as the thread pool can take, and keeps nothing. */
  async alone() {
    const { encode } = tokenizerOf(await readCompanions(model), model);
    let tokens = 0;
    let waiting = [];
    const finish = async () => {
      for (const ids of await Promise.all(waiting)) tokens += ids.length;
      waiting = [];
    };
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const { prompt, chosen, rejected } = JSON.parse(line);
      waiting.push(encode(prompt + chosen + rejected));
      if (waiting.length === 64) await finish();
    }
    await finish();
    return { tokens };
  },
  /** Checks, encodes and takes the first step. */
  async prepare() {
    // From the end of the first chunk to that of the last one.
    let [first, last] = [];
    const now = () => ({ at: performance.now(), cpu: process.cpuUsage() });
    const prepared = await prepareTraining(config(`init.model=${model}`), {
      onProgress(work) {
        if (work !== 'records') return;
        last = now();
        first ??= last;
      },
    });
    const stop = new AbortController();
    await prepared
      .run({ signal: stop.signal, onStep: () => stop.abort(new Error('enough')) })
      .catch((error) => {
        if (error.message !== 'enough') throw error;
      });
    return {
      examples: prepared.examples,
      encodingSeconds: (last.at - first.at) / 1000,
      encodingCpu: (last.cpu.user + last.cpu.system - first.cpu.user - first.cpu.system) / 1e6,
    };
  },
};

const started = performance.now();
const figures = await works[work]();
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    ...figures,
    seconds: (performance.now() - started) / 1000,
    cpu: (user + system) / 1e6,
    peak: process.resourceUsage().maxRSS * 1024,
  }),
);
