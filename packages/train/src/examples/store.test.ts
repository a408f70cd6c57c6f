import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LockOptions, takeLock } from '@gram/run';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bradleyTerry } from '../objectives/bradley-terry.js';
import { directPreference } from '../objectives/direct-preference.js';
import { preference } from '../objectives/preference.js';
import { pairGeneration } from '../objectives/token-generation.js';
import { cachedStore } from './cache.js';
import type { ExampleCodec, ExampleMeasure } from './codec.js';
import { generationCodec, policyPairCodec, preferenceCodec, rewardCodec } from './codecs.js';
import type { PolicyPair } from './kinds.js';
import { openStore } from './open-store.js';
import { type PackedExamples, packExamples } from './pack.js';
import { writeStore } from './write-store.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-store-'));
  vi.stubEnv('GRAM_CACHE', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Examples in packs of 7. */
async function* streamOf<Example>(
  examples: readonly NoInfer<Example>[],
  codec: ExampleCodec<Example>,
): AsyncGenerator<PackedExamples> {
  for (let at = 0; at < examples.length; at += 7) yield packExamples(codec, examples.slice(at, at + 7));
}

const withNotes = (packs: AsyncIterable<PackedExamples>, notes: object = {}) => ({
  notes: () => notes,
  [Symbol.asyncIterator]: () => packs[Symbol.asyncIterator](),
});

const ids = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 40 });
const generation = fc.record(
  {
    ids,
    lossFrom: fc.integer({ min: 1, max: 40 }),
    lossSpans: fc.array(
      fc.record({ start: fc.integer({ min: 1, max: 20 }), end: fc.integer({ min: 20, max: 40 }) }),
      { minLength: 1, maxLength: 4 },
    ),
  },
  { requiredKeys: ['ids', 'lossFrom'] },
);
const pair = fc.record({ chosen: generation, rejected: generation });
const kinds: readonly [string, ExampleCodec<unknown>, fc.Arbitrary<unknown>, ExampleMeasure<unknown>][] = [
  kind(generationCodec, generation, pairGeneration),
  kind(
    preferenceCodec,
    fc.record(
      { ids, label: fc.constantFrom(0 as const, 1 as const), swapped: ids },
      { requiredKeys: ['ids', 'label'] },
    ),
    preference({ labels: [0, 1] }),
  ),
  kind(
    rewardCodec,
    fc.record(
      { chosen: ids, rejected: ids, margin: fc.double({ min: 0, noNaN: true }) },
      { requiredKeys: ['chosen', 'rejected'] },
    ),
    bradleyTerry(),
  ),
  kind(policyPairCodec, pair, withoutReference(directPreference({ beta: 0.1 }))),
];

function kind<Example>(
  codec: ExampleCodec<Example>,
  examples: fc.Arbitrary<Example>,
  measure: ExampleMeasure<Example>,
) {
  // The kinds have nothing in common but that each codec reads what it writes.
  const row: unknown = [codec.name, codec, examples, measure];
  return row as [string, ExampleCodec<unknown>, fc.Arbitrary<unknown>, ExampleMeasure<unknown>];
}

function withoutReference(objective: ReturnType<typeof directPreference>): ExampleMeasure<PolicyPair> {
  const reference = { chosen: 0, rejected: 0 };
  return {
    length: (example) => objective.length({ ...example, reference }),
    weight: (example) => objective.weight({ ...example, reference }),
  };
}

describe('a store', () => {
  it.each(kinds)(
    'gives examples of the kind %s as they were, in any order',
    async (_, codec, arbitrary, measure) => {
      const examples = fc.sample(arbitrary, { numRuns: 200, seed: 3 });
      const path = join(folder, 'any');
      await mkdir(path);
      await writeStore(path, codec.name, streamOf(examples, codec), () => ({ note: 'kept' }));
      const store = await openStore(path, codec);
      expect(store).toMatchObject({ count: 200, notes: { note: 'kept' } });
      const order = examples.map((_example, i) => (i * 77) % 200);
      expect(await store?.read(order)).toEqual(order.map((i) => examples[i]));
      for (const [i, example] of examples.entries()) {
        expect([store?.length(i), store?.weight(i)]).toEqual([
          measure.length(example),
          measure.weight(example),
        ]);
      }
    },
  );

  it('of another kind, or that is not whole, is none; a damaged example is named', async () => {
    const examples = [
      { ids: [1, 2, 3], lossFrom: 1 },
      { ids: [4], lossFrom: 1 },
    ];
    await writeStore(folder, 'generation', streamOf(examples, generationCodec), () => ({}));
    expect(await openStore(folder, preferenceCodec)).toBeUndefined();
    const store = await openStore(folder, generationCodec);
    const file = join(folder, 'examples.bin');
    const bytes = await readFile(file);
    bytes.writeInt32LE(2 ** 30, 0);
    await writeFile(file, bytes);
    expect(await store?.read([1])).toEqual([examples[1]]);
    await expect(store?.read([0])).rejects.toMatchObject({
      code: 'bad-examples',
      message: `the encoded examples in ${folder} are damaged at example 1`,
    });
    await appendFile(file, 'x');
    expect(await openStore(folder, generationCodec)).toBeUndefined();
  });
});

describe('the cache', () => {
  const examples = Array.from({ length: 50 }, (_, i) => ({ ids: [i, i + 1], lossFrom: 1 }));
  const entries = () => readdir(join(folder, 'examples'));

  it('encodes once, however many ask at a time', async () => {
    let encodings = 0;
    const ask = (key: object) =>
      cachedStore(key, generationCodec, () => {
        encodings++;
        return withNotes(streamOf(examples, generationCodec), { encodings });
      });
    const stores = await Promise.all(Array.from({ length: 4 }, () => ask({ a: 1, b: 2 })));
    expect(stores.map(({ notes }) => notes)).toEqual(Array(4).fill({ encodings: 1 }));
    expect(await (await ask({ b: 2, a: 1 })).read([7])).toEqual([examples[7]]);
    expect(encodings).toBe(1);
    expect((await ask({ a: 2 })).notes).toEqual({ encodings: 2 });
    expect(await entries()).toHaveLength(2);
  });

  it('leaves nothing of an encoding that fails or is stopped, and stops at once', async () => {
    const stop = new AbortController();
    async function* endless() {
      for (let i = 0; ; i++) {
        stop.signal.throwIfAborted();
        if (i === 100) stop.abort(new Error('enough'));
        yield packExamples(generationCodec, [{ ids: [i], lossFrom: 1 }]);
        await new Promise(setImmediate);
      }
    }
    const encode = () => withNotes(endless());
    await expect(cachedStore({}, generationCodec, encode, { signal: stop.signal })).rejects.toThrow('enough');
    expect(await entries()).toEqual([]);
  });

  describe('while another process makes the same store', () => {
    const timing = { beatMs: 20, patienceMs: 200 };
    const encode = () => withNotes(streamOf(examples, generationCodec));
    const ask = (options: LockOptions = { timing }) => cachedStore({}, generationCodec, encode, options);
    let name: string;
    let store: string;
    /** The lock as this process writes it. */
    let own: object;
    beforeEach(async () => {
      await ask();
      name = (await entries())[0]!;
      store = join(folder, 'examples', name);
      await rm(store, { recursive: true });
      const lock = await takeLock(`${store}.lock`, store);
      own = JSON.parse(await readFile(`${store}.lock`, 'utf8'));
      await lock.release();
    });
    const leaveLock = (changes: object) => writeFile(`${store}.lock`, JSON.stringify({ ...own, ...changes }));

    it('takes its place at once where it died', async () => {
      // No process has the largest number.
      await leaveLock({ pid: 2 ** 30 });
      const started = performance.now();
      expect((await ask({})).count).toBe(50);
      expect(performance.now() - started).toBeLessThan(4000);
      expect(await entries()).toEqual([name]);
    });

    it('waits for it, and takes what it made', async () => {
      const lock = await takeLock(`${store}.lock`, store);
      let encodings = 0;
      const asking = cachedStore({}, generationCodec, () => {
        encodings++;
        return encode();
      });
      const state = vi.fn();
      asking.then(state, state);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(state).not.toHaveBeenCalled();
      await mkdir(store);
      await writeStore(store, 'generation', streamOf(examples, generationCodec), () => ({
        made: 'elsewhere',
      }));
      expect((await asking).notes).toEqual({ made: 'elsewhere' });
      await lock.release();
      expect(encodings).toBe(0);
    });

    it('stops waiting for it at once when it is told to', async () => {
      await leaveLock({ host: 'elsewhere' });
      const stop = new AbortController();
      const waiting = ask({ signal: stop.signal });
      const started = performance.now();
      setTimeout(() => stop.abort(new Error('enough')), 150);
      await expect(waiting).rejects.toThrow('enough');
      expect(performance.now() - started).toBeLessThan(1000);
    });

    it('waits on another host for as long as it shows that it lives, whatever its clock says', async () => {
      let beat = 0;
      const show = async () => {
        await leaveLock({ host: 'elsewhere', beat: ++beat });
        await utimes(`${store}.lock`, 1, 1);
      };
      let lastBeat = show();
      await lastBeat;
      const beats = setInterval(() => {
        lastBeat = show();
      }, 20);
      onTestFinished(() => clearInterval(beats));
      const asking = ask();
      const state = vi.fn();
      asking.then(state, state);
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(state).not.toHaveBeenCalled();
      clearInterval(beats);
      await lastBeat;
      expect((await asking).count).toBe(50);
      expect(await entries()).toEqual([name]);
    });
  });

  it('removes what nobody used for 30 days', async () => {
    const encode = () => withNotes(streamOf(examples, generationCodec));
    await cachedStore({ old: true }, generationCodec, encode);
    const [old = ''] = await entries();
    const day = 24 * 60 * 60;
    const then = Date.now() / 1000 - 31 * day;
    await utimes(join(folder, 'examples', old, 'store.json'), then, then);
    await cachedStore({ old: false }, generationCodec, encode);
    expect(await entries()).toHaveLength(1);
    expect(await entries()).not.toContain(old);
  });

  it('passes an error of the records on as it is, also one that the system caused', async () => {
    const problem = new Error('cannot read pairs.jsonl', {
      cause: await readFile(join(folder, 'none')).catch((e: unknown) => e),
    });
    async function* failing() {
      yield packExamples(generationCodec, [{ ids: [1], lossFrom: 1 }]);
      throw problem;
    }
    const encode = () => withNotes(failing());
    await expect(cachedStore({}, generationCodec, encode)).rejects.toBe(problem);
    expect(await entries()).toEqual([]);
  });

  it('says where it cannot write', async () => {
    vi.stubEnv('GRAM_CACHE', join(folder, 'file'));
    await writeFile(join(folder, 'file'), '');
    const encode = () => withNotes(streamOf(examples, generationCodec));
    await expect(cachedStore({}, generationCodec, encode)).rejects.toMatchObject({
      code: 'bad-examples',
      message: expect.stringMatching(/cannot write encoded examples to .*file.examples \(ENOTDIR\)/),
    });
  });
});
