import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preferenceCodec } from '../examples/codecs.js';
import type { PreferenceExample } from '../examples/kinds.js';
import { openStore } from '../examples/open-store.js';
import { packExamples } from '../examples/pack.js';
import type { ExampleSource } from '../examples/source.js';
import { writeStore } from '../examples/write-store.js';
import type { BatchArrays } from '../objectives/batch.js';
import { preference } from '../objectives/preference.js';
import { batchStream } from './batch-stream.js';
import { totalSteps } from './epoch-batches.js';

const folder = await mkdtemp(join(tmpdir(), 'gram-batches-'));
afterAll(() => rm(folder, { recursive: true }));

const random = createRandom(5, 'examples');
/** The first id of each example, in either order, is its number. */
const examples = Array.from({ length: 157 }, (_, number): PreferenceExample => {
  const rest = () => Array.from({ length: 1 + random.integer(60) }, () => 1000 + random.integer(50));
  return { ids: [number, ...rest()], label: random.integer(2) === 1 ? 1 : 0, swapped: [number, ...rest()] };
});
const plan = { examples: examples.length, batchSize: 10, epochs: 3, seed: 7 };
const objective = preference({ labels: [0, 1] });
const microBatchSize = 3;
const steps = totalSteps(plan);
const places = Array.from({ length: 20 }, () => random.integer(steps));

let source: ExampleSource<PreferenceExample>;
beforeAll(async () => {
  async function* all() {
    for (const example of examples) yield packExamples(preferenceCodec, [example]);
  }
  await writeStore(folder, preferenceCodec.name, all(), () => ({}));
  const store = await openStore(folder, preferenceCodec);
  if (store === undefined) throw new Error('the store is not whole');
  source = store;
});

/** The bytes of the arrays of each step, in the order of the stream, of one rank from a position on. */
async function stream(rank: number, size: number, position: number) {
  const found: { position: number; tokens: number; batches: string[] }[] = [];
  for await (const batch of batchStream(plan, objective, source, { position, microBatchSize, rank, size })) {
    found.push({ position: batch.position, tokens: batch.tokens, batches: batch.arrays.map(bytesOf) });
  }
  return found;
}

function bytesOf(arrays: BatchArrays): string {
  return JSON.stringify(
    Object.entries(arrays).map(([name, array]) => {
      if (array === undefined || !('data' in array) || !ArrayBuffer.isView(array.data)) throw new Error(name);
      const { buffer, byteOffset, byteLength } = array.data;
      return [name, array.shape, Buffer.from(buffer, byteOffset, byteLength).toString('base64')];
    }),
  );
}

/** The numbers of the examples of a micro-batch; rows that only fill it weigh nothing. */
function numbersOf(arrays: BatchArrays): number[] {
  const [rows, length] = arrays.tokens.shape;
  const weights = 'weights' in arrays ? arrays.weights : undefined;
  if (weights === undefined || !('data' in weights)) throw new Error('no weights');
  const data = weights.data as Float32Array;
  return Array.from({ length: rows ?? 0 }, (_, row) => row)
    .filter((row) => data[row] !== 0)
    .map((row) => arrays.tokens.data[row * (length ?? 0)] ?? -1);
}

describe.each([1, 2, 3])('the stream of %d ranks', (size) => {
  it('goes on at 20 random places as if it had not stopped, byte for byte', async () => {
    for (let rank = 0; rank < size; rank++) {
      const whole = await stream(rank, size, 0);
      expect(whole.map(({ position }) => position)).toEqual(Array.from({ length: steps }, (_, i) => i));
      for (const place of places) expect(await stream(rank, size, place)).toEqual(whole.slice(place));
    }
  });

  it('is that of one process, of which each rank has every n-th micro-batch', async () => {
    const whole = await stream(0, 1, 0);
    const shares = await Promise.all(Array.from({ length: size }, (_, rank) => stream(rank, size, 0)));
    for (const [step, { batches, tokens }] of whole.entries()) {
      const together = batches.map((_, i) => shares[i % size]?.[step]?.batches[Math.floor(i / size)]);
      expect(together).toEqual(batches);
      expect(shares.every((share) => share[step]?.tokens === tokens)).toBe(true);
    }
  });

  it('has each example once in an epoch, on one rank alone', async () => {
    const seen = new Map<number, number[]>();
    for (let rank = 0; rank < size; rank++) {
      for await (const { position, arrays } of batchStream(plan, objective, source, {
        microBatchSize,
        rank,
        size,
      })) {
        const epoch = Math.floor(position / (steps / plan.epochs));
        seen.set(epoch, [...(seen.get(epoch) ?? []), ...arrays.flatMap(numbersOf)]);
      }
    }
    for (let epoch = 0; epoch < plan.epochs; epoch++) {
      const numbers = seen.get(epoch)?.sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: plan.examples }, (_, number) => number));
    }
  });
});
