import { inOrder, shareOf, type Team, together } from '../ranks/together.js';
import type { NamedReward } from './named-reward.js';
import type { RewardGroup } from './reward.js';
import { askRewards, type RewardedGroups } from './reward-list.js';

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
