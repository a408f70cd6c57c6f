/** Memory of a rate: work done this long ago counts 1/e of work done now. */
const RATE_MEMORY_MS = 15_000;

/** The rate at which work is done now. */
export interface Rate {
  /** Records the amount that is done (not the increment) at a time in milliseconds. Less than before starts anew. */
  add(done: number, time: number): void;
  /** Returns the units a second; 0 while they are not known. */
  perSecond(): number;
}

/**
 * Creates a rate. It is the quotient of work and time, which both fade with e^(-t / memory): fading both alike makes the estimate
 * right from the second sample on, and independent of how often it is called.
 */
export function createRate(): Rate {
  let work = 0;
  let elapsed = 0;
  let last: { done: number; time: number } | undefined;
  return {
    add(done, time) {
      if (last === undefined || done < last.done) {
        work = 0;
        elapsed = 0;
      } else if (done === last.done) {
        // Nothing was done since, or the process was suspended: the time counts with the next work, and what was measured
        // does not fade to a number that nobody can read.
        return;
      } else {
        const passed = Math.max(0, time - last.time);
        const kept = Math.exp(-passed / RATE_MEMORY_MS);
        work = work * kept + (done - last.done);
        elapsed = elapsed * kept + passed;
      }
      last = { done, time };
    },
    perSecond() {
      return elapsed > 0 ? (work / elapsed) * 1000 : 0;
    },
  };
}
