import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyWeights, initAdapter } from '@gram/model';
import { adamW, initMoments, loadAdapterCheckpoint, loadCheckpoint, saveCheckpoint } from '@gram/train';
import { mutateBytes, mutateJson } from '../mutate.mjs';
import { mutateFile } from './safetensors.mjs';
import { config, describeArrays, drawn, weights } from './tiny.mjs';

const record = (step) => ({
  step,
  loss: 1 / step,
  gradientNorm: 1,
  learningRate: 1e-3,
  seconds: 0.1,
  tokens: 100,
  examples: 4,
});

const optimizer = adamW();

/** A checkpoint of a model and one of an adapter: their paths, what was trained and the weights whose moments they keep. */
function kindsIn(folder) {
  const lora = { rank: 2, alpha: 4, dropout: 0, targets: ['q_proj', 'v_proj'] };
  const adapter = { lora, weights: initAdapter(config, lora, weights, drawn()) };
  return [
    {
      path: join(folder, 'checkpoint-0000003'),
      trained: { model: { config, weights: copyWeights(weights) } },
      of: weights,
    },
    {
      path: join(folder, 'adapter', 'checkpoint-0000003'),
      trained: { adapter, config, options: { baseModel: 'models/base' } },
      of: adapter.weights,
    },
  ];
}

const stateOf = (trained) => ({
  step: 3,
  skipped: 0,
  history: [record(1), record(2), record(3)],
  fingerprint: { data: 'f'.repeat(64) },
  moments: initMoments(optimizer, trained),
});

/** Loads a checkpoint and writes everything that it says as one text. */
async function describe({ path, trained }) {
  const { model, adapter, moments, step, skipped, history, fingerprint } =
    'model' in trained
      ? await loadCheckpoint(path, optimizer)
      : await loadAdapterCheckpoint(path, optimizer, config);
  const arrays = Object.values(moments).map(describeArrays);
  const named = describeArrays((model ?? adapter).weights);
  return JSON.stringify([named, arrays, step, skipped, history, fingerprint, adapter?.lora, model?.config]);
}

export const checkpoint = {
  name: 'checkpoint',
  title: 'checkpoints of models and adapters',
  async open(folder) {
    const kinds = kindsIn(folder);
    for (const kind of kinds) {
      await saveCheckpoint(kind.path, kind.trained, stateOf(kind.of));
      kind.answer = await describe(kind);
      kind.files = filesOf(kind.path).map((file) => ({ file, bytes: readFileSync(file) }));
    }
    let chosen = kinds[0];
    return {
      get answer() {
        return chosen.answer;
      },
      mutate(random) {
        chosen = random.pick(kinds);
        const { file, bytes } = random.pick(chosen.files);
        return { kind: chosen, file, original: bytes, bytes: mutated(random, file, bytes) };
      },
      async read({ kind, file, original, bytes }) {
        writeFileSync(file, bytes);
        try {
          return await describe(kind);
        } finally {
          writeFileSync(file, original);
        }
      },
      // A checkpoint knows the hash of each of its files: whatever was changed is refused.
      unexplained: ({ file }, answer) => `${file}: ${answer.slice(0, 300)}`,
    };
  },
};

function mutated(random, file, bytes) {
  if (file.endsWith('.safetensors')) return mutateFile(random, bytes);
  if (random.integer(2) === 0) return mutateBytes(random, bytes);
  return Buffer.from(JSON.stringify(mutateJson(random, JSON.parse(bytes))));
}

function filesOf(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
