import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { initAdapter, saveAdapter } from '@gram/model';
import { adapterPart, loadAdapterCheckpoint, saveCheckpoint, train } from '@gram/train';
import { trainOptions } from '@gram-examples/common/stage-models';

/** Steps between two checkpoints, minutes of a model of this size: a run that is stopped loses no more. */
const CHECKPOINT_EVERY = 10;

/**
 * Trains an adapter of a model and saves it as `adapter` in a directory. Where an earlier call was stopped, it goes on from the
 * checkpoint that is there, to the same bytes.
 *
 * @param run the model, the objective and its examples; the weights of the model are read and not written
 * @param settings the adaptation, the training of a recipe and the seed
 * @returns the losses, the number of tokens that were read, and the step from which this call went on
 */
export async function learn({ config, weights, objective, examples }, { lora, training, seed }, directory) {
  const options = trainOptions({ ...training, seed });
  const checkpoint = join(directory, 'checkpoint');
  const resume = existsSync(checkpoint)
    ? await loadAdapterCheckpoint(checkpoint, options.optimizer, config)
    : undefined;
  const trained =
    resume?.adapter.weights ?? initAdapter(config, lora, weights, createRandom(seed, 'adapter'));
  const adapter = { lora, weights: trained };
  const isDue = (step) => step % CHECKPOINT_EVERY === 0;
  const { history } = await train({
    ...{ config, weights: trained, part: adapterPart(config, lora, weights, seed), objective, examples },
    ...{ options, resume, needsState: isDue },
    async onStep({ step, loss }, state, total) {
      if (!isDue(step) || step === total) return;
      await saveCheckpoint(checkpoint, { adapter, config, options: {} }, state);
      console.log(`${objective.name}: step ${step} of ${total}, loss ${loss.toFixed(3)}`);
    },
  });
  await saveAdapter(join(directory, 'adapter'), adapter, config);
  await rm(checkpoint, { recursive: true, force: true });
  return {
    losses: history.map(({ step, loss }) => [step, loss]),
    tokens: history.reduce((sum, { tokens }) => sum + tokens, 0),
    resumedAt: resume?.step ?? 0,
  };
}
