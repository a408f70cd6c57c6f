import { expect, it } from 'vitest';
import { adafactor } from './optimizers/adafactor.js';
import { adamW } from './optimizers/adamw.js';
import { sgd } from './optimizers/sgd.js';
import { paceDefaults } from './steps/pace.js';
import { checkedOptions, type TrainOptions } from './train-options.js';
import { train } from './trainer.js';

const options: TrainOptions = { learningRate: 1e-3, batchSize: 8 };

it('fills in the defaults of the schema', () => {
  const { optimizer, ...others } = checkedOptions(options);
  expect(others).toEqual({ ...options, ...paceDefaults, seed: 0 });
  expect(optimizer.name).toMatch(/^adamw/i);
});

it.each([
  ['a size below one', { batchSize: 0 }, 'batchSize'],
  ['a negative number', { microBatchSize: -1 }, 'microBatchSize'],
  ['a text for a number', { learningRate: '1e-3' }, 'learningRate'],
  ['a rate that is no number', { learningRate: Number.NaN }, 'learningRate'],
  ['half an epoch', { epochs: 0.5 }, 'epochs'],
  ['a share above one', { warmupRatio: 2 }, 'warmupRatio'],
  ['a schedule that there is not', { schedule: 'step' }, 'schedule'],
  ['the name of an optimizer', { optimizer: 'adamw' }, 'optimizer'],
  ['an option that there is not', { steps: -1 }, 'steps'],
])('refuses %s, by its name', async (_what, bad, name) => {
  const refusal = {
    code: 'bad-option',
    message: expect.stringContaining(`${name}: `),
    hint: `correct ${name}`,
  };
  expect(() => checkedOptions({ ...options, ...bad } as TrainOptions)).toThrow(
    expect.objectContaining(refusal),
  );
  const run = { options: { ...options, ...bad }, examples: [] } as unknown as Parameters<typeof train>[0];
  await expect(train(run)).rejects.toMatchObject(refusal);
});

it('refuses constants of optimizers, by their names', () => {
  const refused = (name: string) => expect.objectContaining({ code: 'bad-option', hint: `correct ${name}` });
  expect(() => adamW({ beta1: 1 })).toThrow(refused('beta1'));
  expect(() => adamW({ weightDecay: -0.1 })).toThrow(refused('weightDecay'));
  expect(() => adamW({ betas: [0.9, 0.99] } as object)).toThrow(refused('betas'));
  expect(() => sgd({ momentum: Number.NaN })).toThrow(refused('momentum'));
  expect(() => adafactor({ clip: 0 })).toThrow(refused('clip'));
});
