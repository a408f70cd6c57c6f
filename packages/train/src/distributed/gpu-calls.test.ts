import { DeviceArray } from '@gram/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherShareCalls, sumCalls, sumShareCalls } from './gpu-calls.js';
import type { Call } from './gpus/nccl.js';
import { sharesOf } from './partition.js';

/** Memory of a rank: arrays one after the other, whose addresses count bytes from 4096 on. */
const START = 4096;
const indexOf = (at: bigint) => (Number(at) - START) / 4;

function arraysOf(lengths: readonly number[]): Record<string, DeviceArray<'float32'>> {
  let next = START;
  return Object.fromEntries(
    lengths.map((length, i) => {
      const at = BigInt(next);
      next += 4 * length;
      const memory = { address: () => at, read: async () => {}, dispose: () => {} };
      return [`w${i}`, new DeviceArray('cuda', 'float32', [length], memory)];
    }),
  );
}

/** Does what NCCL documents for calls in place, in the memory of all ranks. */
function run(memory: readonly Float32Array[], calls: readonly Call[]): void {
  for (const call of calls) {
    const at = indexOf(call.at);
    const before = memory.map((values) => values.slice());
    const sum = (i: number) => before.reduce((total, values) => total + values[i]!, 0);
    for (const [rank, own] of memory.entries()) {
      const write = (start: number, length: number, value: (i: number) => number) => {
        for (let i = start; i < start + length; i++) own[i] = value(i);
      };
      if (call.kind === 'allReduce') write(at, call.count, sum);
      else if (call.kind === 'reduceScatter') write(at + rank * call.part, call.part, sum);
      else if (call.kind === 'broadcast') write(at, call.count, (i) => before[call.root]![i]!);
      else if (call.kind === 'reduce' && rank === call.root) write(at, call.count, sum);
      else if (call.kind === 'allGather') {
        write(at, memory.length * call.part, (i) => before[Math.floor((i - at) / call.part)]![i]!);
      }
    }
  }
}

describe('calls of NCCL', () => {
  const layouts = fc.record({
    lengths: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
    ranks: fc.integer({ min: 2, max: 5 }),
    isElementwise: fc.boolean(),
  });
  const filled = (ranks: number, length: number) =>
    Array.from({ length: ranks }, (_, rank) =>
      Float32Array.from({ length }, (_, i) => ((i + 3) * (rank + 2)) % 97),
    );

  it('sum all arrays on all ranks', () => {
    const memory = filled(3, 10);
    const wanted = memory[0]!.map((_, i) => memory.reduce((sum, values) => sum + values[i]!, 0));
    run(memory, sumCalls(arraysOf([4, 1, 5])));
    for (const values of memory) expect(values).toEqual(wanted);
  });

  it('sum each share on its rank, and bring it to all, however arrays are dealt out', () => {
    fc.assert(
      fc.property(layouts, ({ lengths, ranks, isElementwise }) => {
        const arrays = arraysOf(lengths);
        const shares = sharesOf(arrays, ranks, { isElementwise, device: 'cuda' });
        const memory = filled(
          ranks,
          lengths.reduce((a, b) => a + b),
        );
        const wanted = memory[0]!.map((_, i) => memory.reduce((sum, values) => sum + values[i]!, 0));
        run(memory, sumShareCalls(arrays, shares));
        run(memory, gatherShareCalls(arrays, shares));
        // Compared at once: number by number it takes seconds.
        for (const values of memory) expect(String(values)).toBe(String(wanted));
      }),
      { numRuns: 30 },
    );
  });
});
