/** Bytes that a parser gets in one turn. A body in chunks of one byte has some 340 chunks in as many, about 1 ms of work. */
export const SLICE_BYTES = 2048;

/** Connections of which the bytes are thrown away in one turn of the event loop: each may bring 128 KB. */
const DISCARDED_AT_ONCE = 4;

/** Time after which other events of the process get their turn, in milliseconds. */
const TURN_MS = 5;

/** A connection whose parser waits for bytes that have arrived. */
export interface PacedReader {
  /** Number of bytes that have arrived and were not parsed. */
  readonly unparsed: number;
  /** Parses `SLICE_BYTES` bytes, and returns whether it can go on with more. */
  parseSlice(): boolean;
}

/** Gives the parsers of all connections their turns. */
export interface Pacer {
  /** Adds a reader that has no turn coming. */
  add(reader: PacedReader): void;
  /** Calls a function that lets more of what is thrown away arrive, when others had their turns. */
  addDiscarding(resume: () => void): void;
}

/**
 * Creates a pacer. A byte costs a thousand times more in one body than in another, and the bytes of many connections arrive in
 * one turn of the event loop: parsed whole, those of 60 hostile clients would keep it for seconds. So each gets a slice in
 * its turn, those that need no second one first, and other events are served in between.
 */
export function createPacer(): Pacer {
  const short: PacedReader[] = [];
  const long: PacedReader[] = [];
  const discarding: (() => void)[] = [];
  let isScheduled = false;

  function run(): void {
    isScheduled = false;
    const end = performance.now() + TURN_MS;
    for (let reader = next(); reader !== undefined; reader = performance.now() < end ? next() : undefined) {
      if (reader.parseSlice()) add(reader);
    }
    for (const resume of discarding.splice(0, DISCARDED_AT_ONCE)) resume();
    if (short.length + long.length + discarding.length > 0) schedule();
  }

  function next(): PacedReader | undefined {
    return short.shift() ?? long.shift();
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(run);
  }

  function add(reader: PacedReader): void {
    (reader.unparsed <= SLICE_BYTES ? short : long).push(reader);
    schedule();
  }
  return {
    add,
    addDiscarding(resume) {
      discarding.push(resume);
      schedule();
    },
  };
}
