import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stageNames } from '../stages/table.js';
import { presets } from './presets.js';
import { readTrainingConfig } from './read-config.js';

const directory = mkdtempSync(join(tmpdir(), 'gram-presets-'));
afterAll(() => rmSync(directory, { recursive: true }));
const needed = ['data.path=pairs.jsonl', 'output=runs/one'];

describe.each(Object.keys(presets))('the preset %s', (preset) => {
  it.each([...stageNames])('is a whole configuration of the stage %s', (stage) => {
    const config = readTrainingConfig(undefined, needed, { preset, stage });
    expect(config.stage).toBe(stage);
    expect(config.output).toBe(join(process.cwd(), 'runs/one'));
  });
});

describe('a preset', () => {
  it('has the values of the paper', () => {
    const read = (stage: 'pretrain' | 'finetune') =>
      readTrainingConfig(undefined, needed, { preset: 'paper-llama-3.2-3b', stage });
    expect(read('pretrain').optimizer).toMatchObject({
      learningRate: 2e-5,
      epochs: 1,
      batchSize: 256,
    });
    expect(read('finetune')).toMatchObject({
      labelSmoothing: 0.1,
      smoothingConvention: 'paper',
      maxLength: 2048,
      optimizer: { learningRate: 1e-5, schedule: 'cosine', warmupRatio: 0.1 },
      init: { model: 'meta-llama/Llama-3.2-3B-Instruct' },
    });
  });

  it('lies under the file, which lies under the overrides', () => {
    const path = join(directory, 'config.yaml');
    writeFileSync(
      path,
      'preset: laptop\nstage: finetune\ndata: { path: p.jsonl }\noutput: o\noptimizer: { learningRate: 1e-4, epochs: 3 }\n',
    );
    const config = readTrainingConfig(path, ['optimizer.epochs=5'], { preset: 'smollm2-135m' });
    expect(config.optimizer).toMatchObject({
      learningRate: 1e-4,
      epochs: 5,
      batchSize: 32,
      betas: [0.9, 0.98],
    });
    expect(config.init.scratch?.hiddenSize).toBe(128);
  });

  it('gives way to a start of the own', () => {
    const own = [...needed, 'init.model=./base'];
    const config = readTrainingConfig(undefined, own, { preset: 'laptop', stage: 'finetune' });
    expect(config.init).toMatchObject({ model: join(process.cwd(), 'base'), chat: 'gram-plain-1' });
    expect(config.init.scratch).toBeUndefined();
  });

  it('that does not exist is refused with the nearest', () => {
    const read = () => readTrainingConfig(undefined, needed, { preset: 'laptob', stage: 'sft' });
    expect(read).toThrow(expect.objectContaining({ hint: expect.stringMatching(/did you mean laptop\?/) }));
  });
});
