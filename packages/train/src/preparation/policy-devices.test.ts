import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJsonl } from '@gram/data';
import { deviceStates } from '@gram/engine/testing';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { togetherInOneProcess } from '../distributed/__fixtures__/in-process.js';
import type { Communicator } from '../distributed/communicator.js';
import { readTrainingConfig } from '../settings/read-config.js';
import type { TrainingRecord } from '../training-record.js';
import { prepareTraining } from './prepare.js';

const root = mkdtempSync(join(tmpdir(), 'gram-policy-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A run of DPO, from the reference to the last step. */
async function dpo(device: string, communicator?: Communicator): Promise<readonly TrainingRecord[]> {
  const config = readTrainingConfig(
    undefined,
    [
      `data.path=${join(root, 'pairs.jsonl')}`,
      `output=${join(root, 'out')}`,
      'init.scratch={vocabSize: 400, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 512}',
      'maxLength=512',
      'optimizer={learningRate: 0.003, batchSize: 8, microBatchSize: 4}',
      `device=${device}`,
    ],
    { stage: 'dpo' },
  );
  const prepared = await prepareTraining(config, { communicator });
  const { history } = await prepared.run({ ...(communicator && { communicator }) });
  return history;
}

let alone: readonly TrainingRecord[];
beforeAll(async () => {
  await writeJsonl(join(root, 'pairs.jsonl'), createWorld({ seed: 6 }).labeledPairs(32));
  alone = await dpo('cpu');
});

function expectSame(history: readonly TrainingRecord[]): void {
  expect(history).toHaveLength(alone.length);
  for (const [i, { loss, gradientNorm, ...others }] of alone.entries()) {
    expect(history[i]!.loss).toBeCloseTo(loss, 4);
    expect(history[i]!.gradientNorm).toBeCloseTo(gradientNorm, 4);
    expect(history[i]!.tokens).toBe(others.tokens);
  }
}

it('learns by DPO, or there is nothing to compare', () => {
  expect(alone.length).toBeGreaterThan(2);
  expect(alone.at(-1)!.loss).not.toBeCloseTo(alone[0]!.loss, 4);
});

it.each([2, 3])('is the same DPO on %i ranks', async (size) => {
  await togetherInOneProcess(size, async (communicator) => expectSame(await dpo('cpu', communicator)));
});

const webgpu = (await deviceStates()).find(({ device }) => device === 'webgpu');

it.skipIf(webgpu?.reason !== undefined)(`is the same DPO on webgpu ${webgpu?.reason ?? ''}`, async () => {
  expectSame(await dpo('webgpu'));
});
