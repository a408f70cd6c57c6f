import { PpoError } from '../error.js';
import type { ResponseRewards } from './reward-list.js';

/**
 * Ends a run of which too many rewards fail.
 *
 * @param of names the responses
 * @throws PpoError `reward-failed`
 */
export function checkFailures(
  of: string,
  responses: readonly Pick<ResponseRewards, 'failed'>[],
  maxFailedShare: number,
): void {
  const failed = responses.filter((each) => each.failed).length;
  if (failed <= maxFailedShare * responses.length) return;
  throw new PpoError(
    'reward-failed',
    `the rewards of ${failed} of the ${responses.length} responses of ${of} failed, more than maxFailedShare ${maxFailedShare} allows`,
    'see to the reward functions, then resume',
  );
}
