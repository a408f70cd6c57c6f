import { createWorld } from '@gram/world';
import { writeJsonl } from '@gram/data';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../main.js';

/** Result of a command. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `gram` in this process. `onStderr` sees each piece that is written there. */
export async function gram(
  argv: readonly string[],
  { signal = new AbortController().signal, onStderr }: { signal?: AbortSignal; onStderr?: (text: string) => void } = {},
): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const stderr = {
    write(text: string) {
      err.push(text);
      onStderr?.(text);
      return true;
    },
  } as NodeJS.WriteStream;
  const status = await main(argv, { stdout: { write: (text) => out.push(text) }, stderr, signal });
  return { status, stdout: out.join(''), stderr: err.join('') };
}

/**
 * A folder for one test file, with forty judged pairs and forty demonstrations of the synthetic world and a
 * configuration for the pairs.
 */
export async function workshop() {
  const directory = mkdtempSync(join(tmpdir(), 'gram-cli-'));
  const path = (name: string) => join(directory, name);
  const world = createWorld({ seed: 5 });
  await writeJsonl(path('pairs.jsonl'), world.labeledPairs(40));
  await writeJsonl(path('demonstrations.jsonl'), world.demonstrations(40));
  writeFileSync(path('config.yaml'), config);
  return { directory, path, remove: () => rmSync(directory, { recursive: true }) };
}

/** The same, with a generative reward model that was trained on the pairs, at `out/model`. */
export async function judgeWorkshop() {
  const shop = await workshop();
  const { status, stderr } = await gram(['finetune', '--config', shop.path('config.yaml')]);
  if (status !== 0) throw new Error(stderr);
  return shop;
}

/** A model that the commands train in seconds. */
const tinyModel = `init:
  scratch:
    vocabSize: 512
    hiddenSize: 32
    intermediateSize: 48
    numHiddenLayers: 1
    numAttentionHeads: 4
    numKeyValueHeads: 2
    maxPositionEmbeddings: 512
maxLength: 512`;

const config = `
stage: finetune
data: { path: pairs.jsonl }
${tinyModel}
optimizer: { learningRate: 3e-3, batchSize: 8, microBatchSize: 4, epochs: 2 }
seed: 3
output: out
`;

/** A configuration of `gram sft` for the demonstrations, which writes to `runs/sft`. */
export const demonstrationsConfig = `
${tinyModel}
optimizer: { learningRate: 3e-3, batchSize: 8, microBatchSize: 4 }
data: { path: demonstrations.jsonl }
output: runs/sft
`;
