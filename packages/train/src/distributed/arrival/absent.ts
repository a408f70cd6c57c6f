import { type Member, nameOfRank } from './member.js';

/** A rank that is on its way. Times are milliseconds of one clock. */
export interface Arrival {
  /** Times of the first and the last sign that was seen of it; undefined before there was one. */
  readonly seen: { readonly first: number; readonly last: number; readonly member: Member } | undefined;
  /** Whether it says that it is connected. */
  readonly isConnected: boolean;
}

/** The other ranks, as one knows them while they are being connected. */
export interface Arrivals {
  /** One for each rank. */
  readonly arrivals: readonly Arrival[];
  /** Time at which this rank began to wait. */
  readonly start: number;
  /** Number of ranks on this machine; undefined where it is not known. */
  readonly localSize: number | undefined;
  readonly host: string;
}

/** Time after the limit in which a machine on which a rank is missing speaks before those that only wait. */
const GRACE_MILLISECONDS = 5000;
/** Longest list of ranks in a message. */
const MAXIMUM_NAMED = 20;

/**
 * Finds why the ranks are not connected, once one of them has not come, or is silent, for longer than the limit, or all are
 * here for that long and MPI has not connected them.
 *
 * @param limit milliseconds
 * @returns a clause for a message, or undefined while there is hope
 */
export function findAbsent(known: Arrivals, now: number, limit: number): string | undefined {
  const { arrivals, start, localSize, host } = known;
  const seconds = Math.round(limit / 1000);
  const silent = arrivals.flatMap(({ seen, isConnected }, rank) =>
    seen !== undefined && !isConnected && now - seen.last > limit ? [nameOfRank(rank, seen.member)] : [],
  );
  if (silent.length > 0) {
    const verb = silent.length === 1 ? 'has' : 'have';
    return `${listed(silent)} ${verb} given no sign of life for ${seconds} s before all ranks were connected`;
  }
  if (now - start <= limit) return undefined;
  const unseen = arrivals.flatMap(({ seen }, rank) => (seen === undefined ? [rank] : []));
  const here = arrivals.filter(({ seen }) => seen?.member.host === host).length;
  const seesOthers = here + unseen.length < arrivals.length || localSize === arrivals.length;
  if (unseen.length > 0) {
    // Whoever is missing may be on a machine that knows more.
    const isBlind = !seesOthers && here === localSize;
    if (isBlind && now - start <= limit + GRACE_MILLISECONDS) return undefined;
    const ranks = `${unseen.length === 1 ? 'rank' : 'ranks'} ${listed(unseen.map(String))}`;
    const scope = seesOthers ? '' : ` (${host} sees only the ranks of its own machine)`;
    return `${ranks} ${unseen.length === 1 ? 'has' : 'have'} not come to be connected within ${seconds} s${scope}`;
  }
  const last = Math.max(...arrivals.map(({ seen }) => seen?.first ?? start));
  const isOneLate = arrivals.some(({ seen }) => now - (seen?.last ?? start) > limit / 2);
  if (now - last <= limit || isOneLate) return undefined;
  return `MPI has not connected the ranks within ${seconds} s, although all of them live`;
}

function listed(names: readonly string[]): string {
  const more = names.length - MAXIMUM_NAMED;
  if (more > 0) return `${names.slice(0, MAXIMUM_NAMED).join(', ')} and ${more} more`;
  const [last = '', ...others] = names.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(', ')} and ${last}`;
}
