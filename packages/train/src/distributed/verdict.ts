/** Signs of life of one rank. Times are milliseconds of one clock. */
export interface Sign {
  /** When it was last heard of, or the process that listens last woke from a sleep. */
  readonly heard: number;
  /** When it last spoke. */
  readonly spoke: number;
  /** Collective operations that it has begun. */
  readonly entered: number;
  /** Since when it waits in the last of them; undefined where it does not. */
  readonly waitingSince: number | undefined;
  /** Whether it does work for which the others have to wait. */
  readonly patient: boolean;
  /** Whether its connection broke before it took leave. */
  readonly gone: boolean;
}

/** The rank that has to be given up, and why. */
export interface Lost {
  readonly rank: number;
  readonly why: string;
}

/**
 * Finds the first rank that is dead or stalled. Dead is one whose connection broke. Stalled is one that was silent for
 * longer than the limit, or that is not where another has waited for it for longer than the limit. A rank that others wait for
 * while it says nothing is not judged before it is known to be silent, so that the reason is the right one.
 *
 * @param signs by rank
 * @param limit milliseconds
 */
export function findLost(signs: readonly Sign[], now: number, limit: number): Lost | undefined {
  const seconds = Math.round(limit / 1000);
  const gone = signs.findIndex((sign) => sign.gone);
  if (gone >= 0) return { rank: gone, why: 'ended without taking leave' };
  const silent = signs.findIndex(({ heard }) => now - heard > limit);
  if (silent >= 0) return { rank: silent, why: `has given no sign of life for ${seconds} s` };
  for (const { entered, waitingSince } of signs) {
    // Before the first operation ranks load data, each at its own speed.
    if (waitingSince === undefined || entered < 2 || now - waitingSince <= limit) continue;
    const behind = signs.findIndex(
      (sign) => sign.entered < entered && !sign.patient && now - sign.spoke <= limit / 2,
    );
    if (behind >= 0)
      return { rank: behind, why: `has kept the others waiting for ${seconds} s at operation ${entered}` };
  }
  return undefined;
}
