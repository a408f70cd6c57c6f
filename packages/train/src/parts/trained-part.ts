import { createRandom } from '@gram/base';
import type { AnyArray, NDArray } from '@gram/engine';
import {
  type AdapterNoise,
  adaptedWeights,
  adapterNoise,
  checkLora,
  type LoraConfig,
  type ModelConfig,
  type ModelTensors,
} from '@gram/model';
import { entryOf } from '../checked.js';
import type { NamedTensors } from '../optimizers/optimizer.js';

/** A part of a model that is trained while the rest is frozen: without gradient, moments and update. */
export interface TrainedPart {
  /** Names the part and its options; runs of different parts do not resume each other. */
  readonly name: string;
  readonly frozen: Readonly<Record<string, AnyArray<'float32'>>>;
  /** The whole model's weights, from the trained ones, the frozen ones and the noise, without which nothing is dropped. Pure. */
  weights(trained: NamedTensors, frozen: NamedTensors, noise?: NamedTensors): ModelTensors;
  /**
   * Random numbers of one micro-batch, a function of its place in the run.
   *
   * @param rows tokens of the micro-batch, padding included
   */
  noise(rows: number, update: number, microBatch: number): Readonly<Record<string, NDArray>>;
}

/** The whole model is trained. */
export const wholeModel: TrainedPart = {
  name: 'all weights',
  frozen: {},
  weights: (trained) => trained,
  noise: () => ({}),
};

/**
 * A low-rank adapter is trained (LoRA, Hu et al. 2021), the model under it is frozen. The weights of such a run are those of the
 * adapter: `initAdapter`, then `saveAdapter`, `mergeAdapter` or `mergeToSave`.
 *
 * @param base weights of the model; they are read, never written
 * @param seed of the dropout. @default 0
 * @throws ModelError `bad-config`
 */
export function adapterPart(
  config: ModelConfig,
  lora: LoraConfig,
  base: Readonly<Record<string, AnyArray<'float32'>>>,
  seed = 0,
): TrainedPart {
  checkLora(lora);
  const { dropout = 0 } = lora;
  return {
    name: `LoRA ${JSON.stringify(lora)}`,
    frozen: base,
    weights: (trained, frozen, noise) =>
      adaptedWeights(
        config,
        lora,
        frozen,
        trained,
        dropout === 0 || noise === undefined ? undefined : noiseOf(noise),
      ),
    noise: (rows, update, microBatch) =>
      dropout === 0
        ? {}
        : { ...adapterNoise(config, lora, rows, createRandom(seed, 'dropout', update, microBatch)) },
  };
}

function noiseOf(noise: NamedTensors): AdapterNoise {
  return { rows: entryOf(noise, 'rows'), columns: entryOf(noise, 'columns') };
}
