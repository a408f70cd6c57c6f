/** How far back a rate looks: work done this long ago counts 1/e of work done now. */
const RATE_MEMORY_MS = 15_000;

/** How fast work goes now. */
export interface Rate {
  /** Tells the amount that is done (not the increment) at a time in milliseconds. Less than before starts anew. */
  add(done: number, time: number): void;
  /** Units a second; 0 while it is not known. */
  perSecond(): number;
}

/**
 * Work and time, both fading with e^(-t / memory); their quotient is the recent rate. Fading both alike makes the
 * estimate right from the second sample on, and indifferent to how often it is called.
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
