/**
 * Goes from a model of the hub to a policy with three commands, all with LoRA, and prints the peak memory of each beside the size of
 * the model in float32. Linux only: the kernel counts.
 *
 *     node bench/memory/rlhf.mjs MODEL [--records 16] [--steps 20]
 *
 * MODEL is a model directory, a GGUF file or a repository of the hub with a chat template. A peak is what the process has at most:
 * Node and the runtime, the weights, the adapters with their gradients and moments, the graphs, and the activations. The activations of
 * a step are those that `activationBytes` counts for its longest sequence, three arrays of the logits of the longest response (logits,
 * their logarithms and their gradient), and in PPO the keys and values of all responses that are drawn together.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeJsonl } from '@gram/data';
import {
  activationBytes,
  cacheBytes,
  inspectModel,
  readCompanions,
  resolveModel,
  weightBytes,
} from '@gram/model';
import { tokenizerOf } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { lastLine, mega, printed, times } from '../common.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { records: { type: 'string', default: '16' }, steps: { type: 'string', default: '20' } },
});
const [model] = positionals;
if (model === undefined) throw new Error('give a model');
const [records, steps] = [Number(options.records), Number(options.steps)];
/** Most that a command may take beside the activations, of the model. */
const MOST = 1.5;
const NEW_TOKENS = 32;
const PROMPTS_OF_A_STEP = 4;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const directory = await resolveModel(model);
const { config } = await inspectModel(directory);
const whole = weightBytes(config);

const training = `
init: { model: ${resolve(directory)} }
lora: { rank: 16 }
maxLength: 512
overlong: truncate
optimizer: { learningRate: 1e-4, batchSize: 8, microBatchSize: 1 }
data: { path: demonstrations.jsonl }
output: runs/sft
`;
const rlhf = `
policy: { model: runs/sft/model, lora: { rank: 16 } }
value: policy
prompts: { path: prompts.jsonl }
validation: { path: validation.jsonl }
rewards:
  - { name: judge, judge: { adapter: runs/judge/adapter } }
steps: ${steps}
valueOnlySteps: ${Math.min(2, steps - 1)}
maxNewTokens: ${NEW_TOKENS}
batchSize: ${PROMPTS_OF_A_STEP}
miniBatchSize: 4
microBatchSize: 1
epochs: 1
evaluateEvery: 10
output: runs/ppo
`;

/** Longest of the examples or prompts in tokens, as a command says it. */
function longestOf(text) {
  const found = text.matchAll(/examples of at most (\d+) tokens|the longest of (\d+) tokens/g);
  return Math.max(...[...found].map(([, examples, prompts]) => Number(examples ?? prompts)));
}

function activationsOf(name, longest) {
  const length = 16 * Math.ceil((name === 'ppo' ? longest + NEW_TOKENS : longest) / 16);
  // A judge reads the rows of its labels.
  const supervised = { sft: longestResponse, finetune: 0, ppo: NEW_TOKENS }[name];
  const logits = 3 * 4 * supervised * config.vocabSize;
  // The greedy response to each prompt is drawn beside the sample.
  const drawn = name === 'ppo' ? cacheBytes(config, 2 * PROMPTS_OF_A_STEP * length) : 0;
  return activationBytes(config, 1, length) + logits + drawn;
}

const world = createWorld({ seed: 5 });
const demonstrations = [...world.demonstrations(records)];
const tokenizer = tokenizerOf(await readCompanions(directory), model);
const responses = await Promise.all(demonstrations.map(({ response }) => tokenizer.encode(response)));
const longestResponse = 1 + Math.max(...responses.map(({ length }) => length));
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const path = (name) => join(folder, name);
  await writeJsonl(path('demonstrations.jsonl'), demonstrations);
  await writeJsonl(path('pairs.jsonl'), world.labeledPairs(records));
  await writeJsonl(path('prompts.jsonl'), world.prompts('policy', 2 * records));
  await writeJsonl(path('validation.jsonl'), world.prompts('policy-validation', 4));
  writeFileSync(path('train.yaml'), training);
  writeFileSync(path('ppo.yaml'), rlhf);
  const judge = [
    'init.model=runs/sft/model',
    'init.judgePrompt=gram-compact-1',
    'data.path=pairs.jsonl',
    'output=runs/judge',
  ];
  const commands = {
    sft: ['--config', path('train.yaml')],
    finetune: ['--config', path('train.yaml'), ...judge.flatMap((set) => ['--set', set])],
    ppo: ['--config', path('ppo.yaml')],
  };
  console.log(`the model in float32: ${mega(whole)}`);
  for (const [name, words] of Object.entries(commands)) {
    const gram = here('../../packages/cli/bin/gram.js');
    const { out, err } = await printed(process.execPath, [
      '--import',
      here('at-exit.mjs'),
      gram,
      name,
      ...words,
    ]);
    const { peak } = JSON.parse(lastLine(out));
    const activations = activationsOf(name, longestOf(err));
    const rest = (peak - activations) / whole;
    console.log(
      `gram ${name.padEnd(8)}  ${mega(peak)}  ${times(peak / whole)}  less activations of ${mega(activations)}: ${times(rest)}, of at most ${times(MOST)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
