import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TrainError } from '../error.js';
import { formatTrainingConfig, readTrainingConfig } from './read-config.js';

const directory = mkdtempSync(join(tmpdir(), 'gram-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const good = `
stage: finetune
data: { path: pairs.jsonl }
init: { model: ../base }
maxLength: 128
optimizer: { learningRate: 1e-3, batchSize: 8 }
output: /runs/one
`;

function file(text: string): string {
  const path = join(directory, 'config.yaml');
  writeFileSync(path, text);
  return path;
}

function errorOf(text: string, overrides: string[] = []): TrainError {
  try {
    readTrainingConfig(file(text), overrides);
  } catch (error) {
    if (error instanceof TrainError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('a training configuration', () => {
  it('takes a judging prompt by its id, or from a file beside it', () => {
    const prompt = (value: string) =>
      readTrainingConfig(file(good), [`init.judgePrompt=${value}`]).init.judgePrompt;
    writeFileSync(join(directory, 'mine.txt'), '');
    expect(prompt('gram-eval-1')).toBe('gram-eval-1');
    expect(prompt('mine.txt')).toBe(join(directory, 'mine.txt'));
    expect(() => prompt('gram-eval-2')).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /init\.judgePrompt is neither gram-eval-1 nor .* nor a file: "gram-eval-2"$/,
        ),
        hint: 'check the path of the file; of the known ones gram-eval-1 is nearest',
      }),
    );
  });

  it('gets its defaults and absolute paths', () => {
    expect(readTrainingConfig(file(good))).toEqual({
      stage: 'finetune',
      data: { path: join(directory, 'pairs.jsonl'), weights: false },
      init: { model: join(directory, '../base') },
      vocabulary: 'labels',
      maxLength: 128,
      overlong: 'error',
      degenerate: 'drop',
      smoothingConvention: 'paper',
      optimizer: {
        name: 'adamw',
        schedule: 'cosine',
        learningRate: 1e-3,
        batchSize: 8,
        epochs: 1,
        sharding: 'none',
        warmupRatio: 0.1,
        weightDecay: 0,
        maxGradientNorm: 1,
      },
      seed: 0,
      device: 'cpu',
      precision: 'float32',
      gradientCheckpointing: false,
      output: '/runs/one',
      keepCheckpoints: 2,
    });
  });

  it('is printed as a file that reads back the same', () => {
    const config = readTrainingConfig(file(good), ['labelSmoothing=0.2']);
    expect(readTrainingConfig(file(formatTrainingConfig(config)))).toEqual(config);
  });

  it('takes overrides in order, as YAML values, and removes a key with an empty one', () => {
    const config = readTrainingConfig(file(good), [
      'optimizer.epochs=3',
      'optimizer.epochs=4',
      'data.limit=7',
      'init.model=',
      'init.scratch={vocabSize: 300, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 128}',
    ]);
    expect([config.optimizer.epochs, config.data.limit, config.init.model]).toEqual([4, 7, undefined]);
    expect(config.init.scratch?.tieWordEmbeddings).toBe(true);
  });

  it('leaves the format to the data, and shares how they are read with the validation', () => {
    const format = (...overrides: string[]) => readTrainingConfig(file(good), overrides).data.format;
    expect(format('stage=sft', 'data.format=')).toBe(undefined);
    expect(format('stage=sft', 'data.format=alpaca')).toBe('alpaca');
    expect(format('stage=sft', 'data.format=hh-rlhf')).toBe('hh-rlhf');
    expect(format('stage=pretrain', 'data.format=outputs')).toBe('outputs');
    const overrides = [
      'data.limit=7',
      'data.columns={chosen: a, rejected: {template: "{b} {c}"}}',
      'validation.path=v',
    ];
    const config = readTrainingConfig(file(good), [...overrides, 'data.maxBadRecords=2']);
    const columns = { chosen: 'a', rejected: { template: '{b} {c}' } };
    expect(config.data).toMatchObject({ columns, maxBadRecords: 2, limit: 7 });
    expect(config.validation).toEqual({
      path: expect.stringMatching(/v$/),
      columns,
      maxBadRecords: 2,
      weights: false,
    });
    expect(formatTrainingConfig(config)).toContain(
      '    chosen: a\n    rejected:\n      template: "{b} {c}"\n',
    );
  });

  it.each([
    [
      'weights of demonstrations',
      ['stage=sft', 'data.weights=true'],
      /data\.weights has no meaning in the stage sft/,
    ],
    [
      'labels for a policy',
      ['stage=sft', 'labelSmoothing=0.1'],
      /labelSmoothing has no meaning in the stage sft/,
    ],
    [
      'a judging prompt for a policy',
      ['stage=sft', 'init.judgePrompt=gram-compact-1'],
      /init\.judgePrompt has no meaning in the stage sft/,
    ],
    ['an adapter of the head', ['lora.targets=[lm_head]'], /lora\.targets/],
    [
      'betas of another optimizer',
      ['optimizer.name=sgd', 'optimizer.betas=[0.9, 0.99]'],
      /optimizer\.betas has no meaning for sgd/,
    ],
    [
      'momentum of another optimizer',
      ['optimizer.momentum=0.9'],
      /optimizer\.momentum has no meaning for adamw/,
    ],
    [
      'many answers to imitate',
      ['stage=sft', 'data.format=outputs'],
      /data\.format has no chosen response, which the stage sft needs/,
    ],
    ['single answers with labels', ['data.format=alpaca'], /data\.format has no labels/],
    ['a column of no field', ['data.columns={chosn: a}'], /data\.columns/],
    ['a column that is no path', ['data.columns={chosen: 3}'], /data\.columns\.chosen/],
    [
      'single answers as pairs',
      ['stage=pretrain', 'data.format=demonstration'],
      /data\.format has no second response, which the stage pretrain needs/,
    ],
  ])('refuses %s', (_name, overrides, message) => {
    const error = errorOf(good, overrides);
    expect(error.code).toBe('bad-config');
    expect(error.message).toMatch(message);
  });

  it.each([
    [
      'a misspelt key',
      'optimizer.leraningRate=1',
      /no key "optimizer.leraningRate"/,
      /optimizer\.learningRate/,
    ],
    ['a misspelt section', 'optimiser.epochs=1', /no key "optimiser"/, /did you mean optimizer\?/],
    [
      'a key of another section',
      'learningRate=1',
      /no key "learningRate"/,
      /did you mean optimizer\.learningRate/,
    ],
    [
      'text for a number',
      'optimizer.batchSize=many',
      /optimizer\.batchSize must be a number, not "many"/,
      /./,
    ],
    [
      'a fraction for a count',
      'optimizer.batchSize=1.5',
      /optimizer\.batchSize must be a whole number, not 1\.5/,
      /./,
    ],
    ['a number out of range', 'optimizer.warmupRatio=2', /optimizer\.warmupRatio is 2: /, /./],
    [
      'an unknown choice',
      'stage=finetunes',
      /stage must be one of .*, not "finetunes"/,
      /did you mean finetune\?/,
    ],
    [
      'one of several devices that has no number',
      'device=cuda:x',
      /device must be one of cpu, .*, auto, not/,
      /cuda/,
    ],
    ['a missing value', 'optimizer.learningRate=', /optimizer\.learningRate is missing/, /add/],
    [
      'two starting points',
      'init.scratch={vocabSize: 300, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 128}',
      /init needs either model or scratch/,
      /./,
    ],
    ['smoothing past one half', 'labelSmoothing=0.5', /labelSmoothing must be below 0\.5/, /./],
    ['data without labels', 'data.format=outputs', /data\.format has no labels/, /./],
    ['a prototype', '__proto__.x=1', /cannot read the override/, /key=value/],
    ['a constructor', 'constructor.x=1', /no key "constructor"/, /./],
    ['no equals sign', 'seed', /cannot read the override "seed"/, /key=value/],
    ['broken YAML', 'seed=[1', /override "seed=\[1"/, /YAML/],
  ])('names %s on one line', (_name, override, message, hint) => {
    const error = errorOf(good, [override]);
    expect(error.code).toBe('bad-config');
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(error.message + error.hint).not.toContain('\n');
  });

  it('gives the line of a syntax error', () => {
    expect(errorOf(`${good}seed: [1,\n`).message).toMatch(/config\.yaml: line \d+: /);
    expect(errorOf('stage: finetune\nmaxLength: 1\n  seed: 2\n').message).toMatch(/line [23]: /);
  });

  it.each([
    ['a foreign tag', `${good}seed: !!js/function 1\n`, /line 8: /],
    ['the same key twice', `${good}maxLength: 9\n`, /line 8: .*unique/],
    ['a __proto__ key', `${good}__proto__: { seed: 1 }\n`, /no key "__proto__"/],
    ['a list', '- 1\n', /the configuration must be a mapping/],
    ['nothing', '', /the configuration must be a mapping/],
    [
      'an inflated value',
      `a: &a [1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c]\n`,
      /alias/,
    ],
  ])('refuses %s', (_name, text, message) => {
    expect(errorOf(text).message).toMatch(message);
  });

  it('names a missing file, and does not read a huge one', () => {
    const missing = join(directory, 'absent.yaml');
    expect(() => readTrainingConfig(missing)).toThrow(`cannot read the configuration ${missing}`);
    expect(errorOf(`# ${'x'.repeat(1_000_001)}`).message).toMatch(/limit/);
  });
});
