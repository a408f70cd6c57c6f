import { elementAt } from '../../checked.js';

/** Sums of the gradients of one backward pass over all ranks, a group at a time. */
export interface GradientSums {
  /**
   * Sums a group once those before it are summed. All ranks begin with all groups, in their order; when the last one begins, the
   * backward pass has ended.
   */
  begin(group: number): void;
  /** Waits for all sums. */
  end(): Promise<void>;
}

/** Bytes that a rank has received from others. */
export interface GradientTraffic {
  readonly received: number;
  /** Bytes of these for which the backward pass did not wait: of an operation, the share of its time in which the pass still ran. */
  readonly overlapped: number;
}

/** An operation that has ended, with its times in milliseconds. */
interface Operation {
  readonly began: number;
  readonly ended: number;
  readonly received: number;
}

/**
 * Makes the sums of one backward pass.
 *
 * @param sum sums a group and gives the bytes that this rank received for it
 * @param count is told at the end what was received
 */
export function createGradientSums<Group>(
  groups: readonly Group[],
  sum: (group: Group) => Promise<number>,
  count: (traffic: GradientTraffic) => void,
): GradientSums {
  const operations: Operation[] = [];
  let last = Promise.resolve();
  let passed = 0;
  const run = async (group: Group) => {
    const began = performance.now();
    const received = await sum(group);
    operations.push({ began, ended: performance.now(), received });
  };
  return {
    begin(group) {
      if (group === groups.length - 1) passed = performance.now();
      last = last.then(() => run(elementAt(groups, group)));
      // `end` throws it.
      last.catch(() => {});
    },
    async end() {
      await last;
      count(trafficOf(operations, passed));
    },
  };
}

/** @param end time at which the backward pass had ended */
export function trafficOf(operations: readonly Operation[], end: number): GradientTraffic {
  let [received, overlapped] = [0, 0];
  for (const operation of operations) {
    const { began, ended } = operation;
    const share = ended <= end ? 1 : Math.max(0, end - began) / (ended - began);
    received += operation.received;
    overlapped += share * operation.received;
  }
  return { received, overlapped };
}
