import type { ResponseSampler } from '@gram/reward';
import type { NamedReward } from '../rewards/named-reward.js';
import type { RewardGroup } from '../rewards/reward.js';
import { askRewards, type RewardedGroups } from '../rewards/reward-list.js';
import type { TokenMeter } from '../rollout/token-meter.js';
import { dealOut, inOrder, shareOf, type Team, together } from './together.js';

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

/** Asks the rewards of each rank about its share of the responses. */
export async function askTogether(
  team: Team,
  list: readonly NamedReward[],
  groups: readonly RewardGroup[],
): Promise<RewardedGroups> {
  const { communicator, signal } = team;
  const own = shareOf(groups, communicator);
  const shares = await together(team, () =>
    own.length === 0 ? { groups: [], failedCalls: 0 } : askRewards(list, own, signal ? { signal } : {}),
  );
  return {
    groups: inOrder(shares.map((share) => share.groups)),
    failedCalls: shares.reduce((sum, { failedCalls }) => sum + failedCalls, 0),
  };
}
