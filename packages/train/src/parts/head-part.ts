import type { AnyArray } from '@gram/engine';
import { type ModelConfig, scoreHeadShapes } from '@gram/model';
import { entryOf } from '../checked.js';
import type { TrainedPart } from './trained-part.js';

type NamedArrays<A extends AnyArray<'float32'>> = Readonly<Record<string, A>>;

/**
 * The weights of a score head: what a run with `headPart` trains. The arrays are the model's own, so that training them in
 * place trains the model.
 */
export function headWeights<A extends AnyArray<'float32'>>(
  config: ModelConfig,
  weights: NamedArrays<A>,
): NamedArrays<A> {
  return Object.fromEntries(
    Object.keys(scoreHeadShapes(config)).map((name) => [name, entryOf(weights, name)]),
  );
}

/**
 * The score head is trained, the decoder under it is frozen: the baseline "Freeze" of GRM's comparison (Yang et al., NeurIPS
 * 2024), there with a head of two layers (`scoreHead` of the configuration).
 *
 *     train({ config, weights: headWeights(config, weights), part: headPart(config, weights), ... })
 *
 * @param weights of a model that scores; those of the decoder are read, never written
 */
export function headPart(config: ModelConfig, weights: NamedArrays<AnyArray<'float32'>>): TrainedPart {
  const head = scoreHeadShapes(config);
  return {
    name: 'score head',
    frozen: Object.fromEntries(Object.entries(weights).filter(([name]) => !Object.hasOwn(head, name))),
    weights: (trained, frozen) => ({ ...frozen, ...trained }),
    noise: () => ({}),
  };
}
