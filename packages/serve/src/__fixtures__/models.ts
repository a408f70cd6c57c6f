import { conversationText } from '@gram/base';
import type { Comparator, Comparison, ComparisonItem, Judge, ResponseItem, RunOptions } from '@gram/ranking';

/** Prefers longer responses, the first one a little, and depends on the prompt: every item has a number of its own. */
export function verdictOf(item: ComparisonItem): Comparison {
  const [prompt, a, b] = [item.prompt, item.a, item.b].map(conversationText) as [string, string, string];
  const prefer = (first: string, second: string) => 1 / (1 + Math.exp((second.length - first.length) / 10 - 0.3));
  let hash = 7;
  for (const text of [prompt, a, b]) for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 9973;
  const orders = [prefer(a, b), 1 - prefer(b, a)].map((p) => 0.99 * p + hash / 1e6) as [number, number];
  return {
    probability: (orders[0] + orders[1]) / 2,
    orders,
    consistent: Math.sign(orders[0] - 0.5) === Math.sign(orders[1] - 0.5),
    truncated: false,
    neutralized: false,
  };
}

/** A model that is done at once. */
export const quickModel: Comparator = { compare: async (items) => items.map(verdictOf) };

/** A call of a model that waits for a word. */
export interface HeldCall {
  readonly items: readonly ComparisonItem[];
  readonly signal: AbortSignal | undefined;
  finish(): void;
  fail(error: unknown): void;
}

/** A model whose calls end when the test says so. */
export function heldModel() {
  const calls: HeldCall[] = [];
  const compare = (items: readonly ComparisonItem[], { signal }: RunOptions = {}) =>
    new Promise<Comparison[]>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
      calls.push({ items, signal, finish: () => resolve(items.map(verdictOf)), fail: reject });
    });
  return { compare, calls };
}

/** A model that takes a while for each call and each item, and ends early when it is told. */
export function slowModel(callMs: number, itemMs = 0): Comparator & { readonly sizes: number[] } {
  const sizes: number[] = [];
  return {
    sizes,
    async compare(items, { signal } = {}) {
      sizes.push(items.length);
      await new Promise((resolve) => setTimeout(resolve, callMs + itemMs * items.length));
      signal?.throwIfAborted();
      return items.map(verdictOf);
    },
  };
}

/** A model with rewards of its own: the reward is a tenth of the number of letters of a response. */
export const scoringModel = {
  kind: 'discriminative',
  compare: async (items: readonly ComparisonItem[]) =>
    items.map((item) => ({ ...verdictOf(item), orders: undefined, consistent: true })),
  rewards: async (items: readonly ResponseItem[]) =>
    items.map(({ response }) => ({ ...unflagged, reward: conversationText(response).length / 10 })),
} satisfies Judge;

const unflagged = { truncated: false, neutralized: false };
