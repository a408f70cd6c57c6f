import type { Communicator, Numbers } from '../communicator.js';

type Values = Numbers | Uint8Array;

/** Runs a function as several ranks in this process, with a communicator that copies arrays about. */
export async function togetherInOneProcess(
  size: number,
  work: (communicator: Communicator) => Promise<void>,
): Promise<void> {
  /** What each rank brought to its n-th operation. */
  const calls: { given: Values[]; arrived: number; all: Promise<void>; go: () => void }[] = [];

  function communicator(rank: number): Communicator {
    let count = 0;
    /** Waits for all ranks with copies of their values, then computes. */
    async function together(own: Values, finish: (given: readonly Values[]) => void): Promise<void> {
      const n = count++;
      if (calls[n] === undefined) {
        let go = () => {};
        const all = new Promise<void>((resolve) => {
          go = resolve;
        });
        calls[n] = { given: [], arrived: 0, all, go };
      }
      const call = calls[n];
      call.given[rank] = own.slice();
      if (++call.arrived === size) call.go();
      await call.all;
      finish(call.given);
    }
    const sum = (given: readonly Values[], i: number) => given.reduce((total, values) => total + values[i]!, 0);
    return {
      rank,
      size,
      localRank: rank,
      allReduceSum: (values) =>
        together(values, (given) => {
          for (const i of values.keys()) values[i] = sum(given, i);
        }),
      reduceScatterSum: (values, counts, into) =>
        together(values, (given) => {
          const start = counts.slice(0, rank).reduce((a, b) => a + b, 0);
          for (const i of into.keys()) into[i] = sum(given, start + i);
        }),
      allGather: (values, counts) =>
        together(values, (given) => {
          let start = 0;
          for (const [owner, length] of counts.entries()) {
            values.set(given[owner]!.subarray(start, start + length), start);
            start += length;
          }
        }),
      broadcast: (values, root = 0) => together(values, (given) => values.set(given[root]!)),
      barrier: () => together(new Uint8Array(0), () => {}),
      patiently: async (task) => task(),
      close: async () => {},
      abort: () => Promise.reject(new Error('aborted')),
    };
  }

  await Promise.all(Array.from({ length: size }, (_, rank) => work(communicator(rank))));
}
