import { small } from './small.mjs';

/**
 * The study on real text with texts of a few sentences and with 300 labels at most, so that two cores compute it in an evening. Every
 * number was set before the first run.
 */
export const short = {
  ...small,
  name: 'short',
  texts: {
    /** Prompt and responses of a pair to learn from, in characters. */
    characters: 400,
    /** Pairs of one prompt that stage 1 reads. */
    pairsPerPrompt: 4,
    /** The tests out of distribution: the largest size of a pair, and the number of pairs, each of another prompt. */
    test: { characters: 600, pairs: 80 },
  },
  /** The models computed for each number of labels; a seed draws its labels, and decides their order and a new score head. */
  judges: [
    { labels: 0, starts: ['base', 'stage-1', 'control'], seeds: [0] },
    { labels: 300, starts: ['base', 'stage-1', 'control'], seeds: [41, 42, 43] },
  ],
  /** Amounts as in `small`. Stage 1 and the tests were measured, on one thread of a Xeon with AVX-512; the rest is taken to be as fast. */
  expected: {
    pool: 1544,
    labels: 1053,
    tokens: { pairs: 112, single: 76, likelihood: 174, generative: 120, discriminative: 156 },
    testTokens: { likelihood: 74_000, generative: 105_000, discriminative: 66_000 },
    perSecond: { pairs: 120, single: 120, likelihood: 120, generative: 120, discriminative: 120, tests: 230 },
  },
};
