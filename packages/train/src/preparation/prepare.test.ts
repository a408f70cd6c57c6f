import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readTrainingConfig } from '../settings/read-config.js';
import { prepareTraining } from './prepare.js';

const root = mkdtempSync(join(tmpdir(), 'gram-prepare-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeAll(async () => {
  await writeJsonl(join(root, 'pairs.jsonl'), createWorld({ seed: 6 }).labeledPairs(150));
});

// What one test encodes must not spare another one the work.
let caches = 0;
beforeEach(() => {
  vi.stubEnv('GRAM_CACHE', join(root, `cache-${caches++}`));
});

const config = (stage: 'finetune' | 'dpo') =>
  readTrainingConfig(
    undefined,
    [
      `data.path=${join(root, 'pairs.jsonl')}`,
      `output=${join(root, 'out')}`,
      'init.scratch={vocabSize: 600, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 512}',
      'maxLength=512',
      'optimizer={learningRate: 0.001, batchSize: 8}',
    ],
    { stage },
  );

describe('prepareTraining', () => {
  it.each([
    ['finetune', ['records']],
    ['dpo', ['records', 'reference']],
  ] as const)('says for %s how far it is', async (stage, expected) => {
    const last = new Map<string, [number, number]>();
    const { examples } = await prepareTraining(config(stage), {
      onProgress: (work, done, total) => last.set(work, [done, total]),
    });
    // A tokenizer is trained too quickly here to be watched each time.
    last.delete('tokenizer');
    expect([...last.keys()]).toEqual(expected);
    for (const seen of last.values()) expect(seen).toEqual([examples, examples]);
  });

  it.each(['records', 'reference'])('stops between two of the %s', async (wanted) => {
    const stop = new AbortController();
    const calls: string[] = [];
    const preparing = prepareTraining(config('dpo'), {
      signal: stop.signal,
      onProgress(work) {
        calls.push(work);
        if (work === wanted) stop.abort(new Error('enough'));
      },
    });
    await expect(preparing).rejects.toThrow('enough');
    expect(calls.filter((work) => work === wanted)).toHaveLength(1);
  });
});
