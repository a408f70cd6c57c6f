import type { ResponseSampler } from '@gram/reward';
import { dealOut, type Team } from '../ranks/together.js';
import type { TokenMeter } from './token-meter.js';

/** A sampler whose prompts are dealt out to the ranks. Each completion has a random stream of its own, so they are those of one rank. */
export function sharedSampler(team: Team, sampler: ResponseSampler): ResponseSampler {
  return {
    sample: (items, options) => dealOut(team, items, (own) => sampler.sample(own, options)),
    dispose: () => sampler.dispose(),
  };
}

/** A meter whose responses are dealt out to the ranks. */
export function sharedMeter(team: Team, meter: TokenMeter): TokenMeter {
  return {
    reference: (responses, withKl, signal) =>
      dealOut(team, responses, (own) => meter.reference(own, withKl, signal)),
    policy: (responses, signal) => dealOut(team, responses, (own) => meter.policy(own, signal)),
    values: (responses, signal) => dealOut(team, responses, (own) => meter.values(own, signal)),
    dispose: () => meter.dispose(),
  };
}
