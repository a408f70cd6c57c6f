import { createHash } from 'node:crypto';
import { conversationKey } from '@gram/base';

/** Share of the prompts that are for the test. */
const TEST = 0.1;

/**
 * Splits pairs into those of a test and those to learn from. The split is by prompt: no prompt of the test has a pair among the
 * others, whatever its responses. Both parts stand in an order that depends on prompts only, so that the first n are a mix of all
 * sources.
 */
export function splitByPrompt(pairs) {
  const isTest = ({ prompt }) => placeOf(prompt) < TEST;
  const ordered = inOrderOfPrompts(pairs);
  return { test: ordered.filter(isTest), train: ordered.filter((pair) => !isTest(pair)) };
}

/** Puts pairs in an order that depends on their prompts, and on ids among pairs of one prompt. */
export function inOrderOfPrompts(pairs) {
  // The first digits decide the part and the last ones the order: a part is not an end of the order.
  const order = ({ prompt }) => (placeOf(prompt) * 2 ** 16) % 1;
  return pairs
    .map((pair) => ({ pair, order: order(pair) }))
    .sort((a, b) => a.order - b.order || (a.pair.id < b.pair.id ? -1 : 1))
    .map(({ pair }) => pair);
}

/** A number in [0, 1) that depends on a prompt only. */
function placeOf(prompt) {
  return createHash('sha256').update(conversationKey(prompt)).digest().readUInt32LE() / 2 ** 32;
}
