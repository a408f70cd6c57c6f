import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Split } from './splits.js';
import { createWorld } from './world.js';

const world = createWorld({ seed: 1 });
const broad = createWorld({ seed: 1, families: 'all' });
const prompts = (split: Split, all = world) => new Set(all.prompts(split, 1500).map(({ prompt }) => prompt));
const shared = (one: ReadonlySet<string>, other: ReadonlySet<string>) =>
  [...one].filter((each) => other.has(each));

describe('splits', () => {
  const training = {
    unlabeled: prompts('unlabeled', broad),
    labeled: prompts('labeled'),
    'adaptation-train': prompts('adaptation-train'),
    sft: prompts('sft'),
    policy: prompts('policy'),
  };

  it.each([
    'in-distribution',
    'out-of-distribution',
    'adaptation-test',
    'policy-validation',
    'policy-test',
  ] as const)('%s shares no prompt with training', (split) => {
    const test = prompts(split);
    expect(test.size).toBeGreaterThan(500);
    for (const [name, side] of Object.entries(training)) expect(shared(test, side), name).toEqual([]);
  });

  it('keep the prompts that choose a policy from those that judge it', () => {
    const [validation, test] = [prompts('policy-validation'), prompts('policy-test')];
    expect(shared(validation, test)).toEqual([]);
    // Both are cut from the prompts of the in-distribution test, 30 to 70.
    const held = [...prompts('in-distribution')];
    const known = held.filter((each) => validation.has(each)).length;
    expect(known).toBeGreaterThan(0);
    expect(shared(test, new Set(held)).length).toBeGreaterThan(known);
  });
});

describe('the records that reported results rest on', () => {
  // The first 64 bits of the SHA-256 digest of the records as JSON. A change here makes older results void.
  it.each([
    ['unlabeled', world.unlabeledPairs(140), '50701df3d1db667b'],
    ['unlabeled, all families', broad.unlabeledPairs(140), 'a6cbfa4439f68850'],
    ['labeled', world.labeledPairs(140), '8ed2140ca68fbd10'],
    ['in-distribution', world.testPairs('in-distribution', 140), 'af5f49d80e36573c'],
    ['out-of-distribution', world.testPairs('out-of-distribution', 140), 'b1de39da490b9b46'],
    ['summary, training', world.adaptationPairs('summary', 'train', 70), '8fccc4318eaeadb5'],
    ['harmlessness, training', world.adaptationPairs('harmlessness', 'train', 70), '76d373c0739a97bf'],
    ['summary, test', world.adaptationPairs('summary', 'test', 70), 'ca48ec223c928e28'],
    ['harmlessness, test', world.adaptationPairs('harmlessness', 'test', 70), '031183088a2fb26b'],
    ['lists', world.lists('out-of-distribution', 24, 6), 'dc545aca10fff360'],
    ['corpus', world.corpus(140), '73457bd15bca0668'],
  ])('are what they were: %s', (_name, records, digest) => {
    const hash = createHash('sha256').update(JSON.stringify(records)).digest('hex');
    expect(hash.slice(0, 16)).toBe(digest);
  });
});
