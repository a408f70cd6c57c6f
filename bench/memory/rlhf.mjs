/**
 * Goes from a model of the hub to a policy with three commands, all with LoRA, and prints the peak memory of each beside the size of
 * the model in float32. Linux only: the kernel counts.
 *
 *     node bench/memory/rlhf.mjs MODEL
 *
 * MODEL is a model directory or a repository of the hub with a chat template.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJsonl } from '@gram/data';
import { inspectModel, resolveModel, weightBytes } from '@gram/model';
import { createWorld } from '@gram/world';
import { json, mega, times } from '../common.mjs';

const [model] = process.argv.slice(2);
if (model === undefined) throw new Error('give a model');
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const directory = await resolveModel(model);
const whole = weightBytes((await inspectModel(directory)).config);

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
steps: 20
valueOnlySteps: 2
maxNewTokens: 32
batchSize: 4
miniBatchSize: 4
microBatchSize: 1
epochs: 1
evaluateEvery: 10
output: runs/ppo
`;
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const path = (name) => join(folder, name);
  const world = createWorld({ seed: 5 });
  await writeJsonl(path('demonstrations.jsonl'), world.demonstrations(16));
  await writeJsonl(path('pairs.jsonl'), world.labeledPairs(16));
  await writeJsonl(path('prompts.jsonl'), world.prompts('policy', 32));
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
    const { peak } = await json(process.execPath, ['--import', here('at-exit.mjs'), gram, name, ...words]);
    console.log(`gram ${name.padEnd(8)}  ${mega(peak)}  ${times(peak / whole)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
