import { createRandom } from '@gram/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PreferencePair } from '../records.js';
import { recordChunks } from './chunks.js';
import { deduplicate, deduplicateNear } from './deduplicate.js';
import { filterByCharacters, filterByLanguage, filterByTokens, filterGarble } from './filter.js';
import { mix } from './mix.js';
import { placePair } from './positions.js';
import { everyNth, first, sampleCount, sampleShare } from './sample.js';
import { shuffle } from './shuffle.js';
import { type Shares, splitByPrompt } from './split.js';
import { createPipeline, type Step } from './step.js';

const pair = (prompt: string, chosen = 'good', rejected = 'bad', id = prompt): PreferencePair => ({
  id,
  prompt,
  chosen,
  rejected,
});

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The ids that a step keeps, and the reasons why it left out the others. */
async function outcome(records: readonly PreferencePair[], ...steps: Step<PreferencePair>[]) {
  const dropped: Record<string, string> = {};
  const pipeline = createPipeline(records, steps, {
    onDrop: ({ id }, reason) => {
      dropped[id] = reason;
    },
  });
  return { kept: (await gather(pipeline)).map(({ id }) => id), dropped, counts: pipeline.counts };
}

describe('a pipeline', () => {
  it('counts so that all adds up, whatever the steps', async () => {
    const record = fc.record({ prompt: fc.integer({ min: 0, max: 9 }), chosen: fc.boolean() });
    const steps: (() => Step<PreferencePair>)[] = [
      () => deduplicate(),
      () => deduplicate({ by: 'prompt' }),
      () => everyNth(2),
      () => first(7),
      () => sampleCount(5, 1),
      () => sampleShare(0.5, 1),
      () => shuffle(1),
      () => filterByCharacters({ least: 8, most: 9 }),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 30 }),
        fc.shuffledSubarray(steps),
        async (raw, chosen) => {
          const records = raw.map(({ prompt, chosen: swap }, at) =>
            pair(`${prompt}`, swap ? 'a' : 'bb', swap ? 'bb' : 'a', `${at}`),
          );
          const { kept, dropped, counts } = await outcome(records, ...chosen.map((make) => make()));
          expect([...kept, ...Object.keys(dropped)].sort()).toEqual(records.map(({ id }) => id).sort());
          let before = records.length;
          for (const { read, kept: count, dropped: reasons } of counts) {
            expect(read).toBe(before);
            expect(count + Object.values(reasons).reduce((sum, n) => sum + n, 0)).toBe(read);
            before = count;
          }
          expect(kept).toHaveLength(before);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads no further than is asked', async () => {
    let read = 0;
    function* endless() {
      for (;;) yield pair(`${read++}`);
    }
    const pipeline = createPipeline(endless(), [deduplicate(), first(3)])[Symbol.asyncIterator]();
    await pipeline.next();
    expect(read).toBeLessThanOrEqual(1);
  });
});

describe('chunks', () => {
  it('have all records in their order, and those before one that cannot be read', async () => {
    async function* records() {
      for (let at = 0; at < 300; at++) yield pair('p', 'x'.repeat(at === 100 ? 2 ** 18 : 1), 'y', `${at}`);
      throw new Error('bad row 301');
    }
    const sizes: number[] = [];
    const ids: string[] = [];
    const read = async () => {
      for await (const chunk of recordChunks(records())) {
        sizes.push(chunk.length);
        ids.push(...chunk.map(({ id }) => id));
      }
    };
    await expect(read()).rejects.toThrow('bad row 301');
    expect(ids).toEqual(Array.from({ length: 300 }, (_, at) => `${at}`));
    // A long record ends its chunk.
    expect(sizes).toEqual([64, 37, 64, 64, 64, 7]);
  });
});

describe('filters', () => {
  it('measure the whole record', async () => {
    const records = [
      pair('p', 'a', 'b', 'short'),
      pair('p', 'aaaa', 'b', 'right'),
      pair('p', 'aaaa', 'bbbb', 'long'),
    ];
    expect(await outcome(records, filterByCharacters({ least: 4, most: 8 }))).toMatchObject({
      kept: ['right'],
      dropped: { short: 'too-short', long: 'too-long' },
    });
    let closed = 0;
    const words = {
      limit: 3,
      run: async (texts: readonly string[]) => texts.map((text) => text.split(' ').length),
      close: async () => void closed++,
    };
    const many = Array.from({ length: 500 }, (_, at) =>
      pair('one two', 'x '.repeat(at % 5), 'four', `${at}`),
    );
    const filtered = await outcome(
      many,
      filterByTokens({ least: 5, most: 6 }, () => words),
    );
    expect(filtered.kept).toEqual(many.flatMap(({ id }, at) => ([1, 2].includes(at % 5) ? [id] : [])));
    expect(filtered.counts).toMatchObject([
      { name: 'tokens', read: 500, kept: 200, dropped: { 'too-short': 100, 'too-long': 200 } },
    ]);
    expect(closed).toBe(1);
    expect(() => filterByCharacters({ least: 5, most: 4 })).toThrow(/from 5 to 4 characters/);
  });

  it('name damage of text', async () => {
    const damaged = {
      undecodable: 'caf\ufffd',
      'control-characters': 'ab\u0000c',
      mojibake: 'Itâ€™s a cafÃ© in a cafÃ©',
      repetitive: 'the same again '.repeat(300),
    };
    const records = [
      ...Object.entries(damaged).map(([id, text]) => pair('p', text, 'b', id)),
      pair('Âge de l’état ? naïve Ã', 'x\ty\r\n', '你好，世界', 'clean'),
      pair(
        'p',
        Array.from({ length: 200 }, (_, at) => `const x${at} = f(${at * 7919});`).join('\n'),
        'b',
        'code',
      ),
    ];
    expect(await outcome(records, filterGarble())).toMatchObject({
      kept: ['clean', 'code'],
      dropped: Object.fromEntries(Object.keys(damaged).map((id) => [id, id])),
    });
  });

  it('tell languages, and keep what has none', async () => {
    const records = [
      pair('What is the capital of France?', 'The capital of France is Paris.', 'I do not know.', 'en'),
      pair('Wie heißt die Hauptstadt von Frankreich?', 'Sie heißt Paris.', 'Das weiß ich nicht.', 'de'),
      pair('1 + 1', '2', '3', 'none'),
    ];
    expect(await outcome(records, await filterByLanguage(['en']))).toMatchObject({
      kept: ['en', 'none'],
      dropped: { de: 'in de' },
    });
    await expect(filterByLanguage(['English'])).rejects.toThrow(/no language "English"/);
  });
});

describe('duplicates', () => {
  it('are equal but for case and space; a swapped pair contradicts', async () => {
    const records = [
      pair('p', 'a', 'b', 'first'),
      pair(' P', 'A', 'b\n', 'same'),
      pair('p', 'b', 'a', 'swapped'),
      pair('p', 'a', 'c', 'other'),
      pair('3 - 4', 'a', 'b', 'minus'),
      pair('3 + 4', 'a', 'b', 'plus'),
    ];
    expect(await outcome(records, deduplicate())).toMatchObject({
      kept: ['first', 'other', 'minus', 'plus'],
      dropped: { same: 'duplicate', swapped: 'contradiction' },
    });
    expect((await outcome(records, deduplicate({ by: 'prompt' }))).kept).toEqual(['first', 'minus', 'plus']);
  });

  it('may be near', async () => {
    const words = Array.from({ length: 60 }, (_, at) => `word${at}`);
    const text = words.join(' ');
    const records = [
      pair(text, 'a', 'b', 'first'),
      pair(`${text}!`, 'a', 'b', 'punctuation'),
      pair(words.slice(1).join(' '), 'a', 'b', 'shorter'),
      pair(words.toReversed().join(' '), 'a', 'b', 'reversed'),
      pair('Compute 3 - 4', 'a', 'b', 'minus'),
      pair('Compute 3 + 4', 'a', 'b', 'plus'),
      pair('…', '…', '!!!', 'none'),
      pair('?', '…', '!!!', 'none either'),
    ];
    expect((await outcome(records, deduplicateNear())).kept).toEqual([
      'first',
      'reversed',
      'minus',
      'plus',
      'none',
      'none either',
    ]);
    expect(() => deduplicateNear({ similarity: 0.2 })).toThrow(/similarity of near duplicates is 0.2/);
  });
});

describe('subsets', () => {
  const records = Array.from({ length: 2000 }, (_, at) => pair(`prompt ${at >> 1}`, 'a', `b${at}`, `${at}`));

  it('are nested, keep prompts whole, and do not depend on the order', async () => {
    const small = (await outcome(records, sampleShare(0.1, 7))).kept;
    const large = (await outcome(records.toReversed(), sampleShare(0.3, 7))).kept;
    expect(large).toEqual(expect.arrayContaining(small));
    expect(Math.abs(small.length - 200)).toBeLessThan(60);
    for (const id of small) expect(small).toContain(`${Number(id) ^ 1}`);
    const counted = (await outcome(records, sampleCount(small.length, 7))).kept;
    expect(counted).toEqual(small);
    expect((await outcome(records, sampleCount(small.length - 1, 7))).kept).toHaveLength(small.length - 1);
    expect((await outcome(records, sampleShare(0.1, 8))).kept).not.toEqual(small);
  });

  it('are every n-th record', async () => {
    expect((await outcome(records.slice(0, 7), everyNth(3))).kept).toEqual(['0', '3', '6']);
  });

  it('are parts of a split by prompt', () => {
    const partOf = splitByPrompt({ train: 0.9, test: 0.1 }, 3);
    const parts = records.map(partOf);
    for (let at = 0; at < records.length; at += 2) expect(parts[at]).toBe(parts[at + 1]);
    expect(Math.abs(parts.filter((part) => part === 'test').length - 200)).toBeLessThan(60);
    expect(partOf(pair(' PROMPT\n5'))).toBe(partOf(pair('prompt 5')));
    const wrong: Shares[] = [{ train: 1 }, { train: 0.5, test: 0.4 }, { train: 1.5, test: -0.5 }];
    for (const shares of wrong) {
      expect(() => splitByPrompt(shares, 0)).toThrow(/the parts of a split are train/);
    }
  });

  it('are shuffled as a whole', async () => {
    const { kept } = await outcome(records, shuffle(1));
    expect(kept.toSorted()).toEqual(records.map(({ id }) => id).toSorted());
    // The mean distance of a random permutation is a third of its length.
    const distance = kept.reduce((sum, id, at) => sum + Math.abs(Number(id) - at), 0) / kept.length;
    expect(Math.abs(distance - 2000 / 3)).toBeLessThan(50);
    expect((await outcome(records, shuffle(1))).kept).toEqual(kept);
  });
});

describe('a mixture', () => {
  const source = (name: string, count: number, weight: number) => ({
    name,
    items: Array.from({ length: count }, (_, at) => `${name}${at}`),
    weight,
  });

  it('has each source in its share at any time, and counts what is left', async () => {
    const mixture = mix([source('a', 100, 3), source('b', 20, 1), source('c', 50, 1)]);
    const items = await gather(mixture);
    for (let n = 1; n <= items.length; n++) {
      const taken = items.slice(0, n).filter((item) => item.startsWith('a')).length;
      expect(Math.abs(taken - 0.6 * n)).toBeLessThan(1);
    }
    expect(items.filter((item) => item.startsWith('b'))).toEqual(source('b', 20, 1).items);
    for (const { read, taken, left } of mixture.counts) expect(taken + left).toBe(read);
    expect(mixture.counts.map(({ read }) => read)).toEqual([100, 20, 50]);
    expect(mixture.counts.reduce((sum, { taken }) => sum + taken, 0)).toBe(items.length);
    expect(Math.abs(items.length - 100)).toBeLessThan(5);
  });

  it('refuses weights that are none', () => {
    expect(() => mix([source('a', 1, 0)])).toThrow(/the weight of a is 0/);
    expect(() => mix([])).toThrow(/no source/);
  });
});

it('puts the better response first in half of the pairs', () => {
  const random = createRandom(1, 'position');
  const placed = Array.from({ length: 400 }, () => placePair(pair('p'), random));
  for (const { responses, label } of placed) expect(responses[label === 'A' ? 0 : 1]).toBe('good');
  expect(Math.abs(placed.filter(({ label }) => label === 'A').length - 200)).toBeLessThan(50);
  expect(placed[0]).not.toHaveProperty('chosen');
});
