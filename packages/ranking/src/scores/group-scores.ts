import { type Answer, conversationKey, type Prompt, type Tool } from '@gram/base';
import type { Comparison, ComparisonItem, Judge, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { chooseStrategy, rankAll } from '../ranking/rank.js';
import type { RankStrategy } from '../ranking/ranking.js';
import { winRates } from '../ranking/win-rates.js';

/** Responses to one prompt that are to be scored. */
export interface ResponseGroup {
  /** Names the group in errors. */
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  readonly responses: readonly Answer[];
  /** The response that each one is compared with. @default the other responses */
  readonly reference?: Answer;
}

/** Options of `groupScores`. */
export interface GroupScoreOptions extends RunOptions {
  /** Strategy that compares the responses of a group; `auto` compares all pairs of up to 16. @default 'round-robin' */
  readonly strategy?: RankStrategy | 'auto';
}

/** A group in which equal texts stand once. */
interface DistinctGroup {
  readonly id: string;
  readonly prompt: Prompt;
  readonly tools: readonly Tool[] | undefined;
  readonly texts: readonly Answer[];
  /** The keys of the texts, by which equal ones are found. */
  readonly keys: readonly string[];
  /** Number of times that each text occurs. */
  readonly copies: readonly number[];
}

/**
 * Scores responses by comparing those to the same prompt with each other: the mean probability of each to be preferred to
 * another one, in one call of the model. Equal texts are compared once and are a tie among themselves. This takes
 * n (n - 1) / 2 comparisons for n different responses. With a strategy other than all pairs, the scores are those of `rank`.
 *
 * @returns for each group, a number between 0 and 1 for each response
 * @throws RewardError `too-few-responses`; whatever `compare` throws
 */
export async function groupScores(
  model: Judge,
  groups: readonly Omit<ResponseGroup, 'reference'>[],
  { strategy = 'round-robin', ...options }: GroupScoreOptions = {},
): Promise<number[][]> {
  const distinct = groups.map(distinctGroup);
  const isSmall = ({ texts: { length } }: DistinctGroup) =>
    length < 2 || chooseStrategy(model, length, { strategy }) === 'round-robin';
  const lists = distinct.filter((group) => !isSmall(group));
  const rates = (await ratesOfAllPairs(model, distinct.filter(isSmall), options)).values();
  const rankings = (
    await rankAll(
      model,
      lists.map(({ id, prompt, tools, texts }) => ({ id, prompt, tools, responses: texts })),
      { ...options, strategy },
    )
  ).values();
  return distinct.map((group, at) => {
    const scores = isSmall(group) ? rates.next().value : rankings.next().value?.scores;
    const byText = new Map(group.keys.map((key, place) => [key, scores?.[place]]));
    return (groups[at]?.responses ?? []).map(
      (response) => byText.get(conversationKey(response)) ?? Number.NaN,
    );
  });
}

function distinctGroup({ id, prompt, tools, responses }: Omit<ResponseGroup, 'reference'>): DistinctGroup {
  if (responses.length < 2) {
    throw new RewardError(
      'too-few-responses',
      `there is nothing to compare the response of ${JSON.stringify(id)} with`,
      'give several responses to each prompt, or a reference',
    );
  }
  const found = new Map<string, { readonly text: Answer; copies: number }>();
  for (const text of responses) {
    const key = conversationKey(text);
    const known = found.get(key);
    if (known) known.copies++;
    else found.set(key, { text, copies: 1 });
  }
  const all = [...found.values()];
  return {
    id,
    prompt,
    tools,
    texts: all.map(({ text }) => text),
    keys: [...found.keys()],
    copies: all.map(({ copies }) => copies),
  };
}

async function ratesOfAllPairs(
  model: Judge,
  groups: readonly DistinctGroup[],
  options: RunOptions,
): Promise<number[][]> {
  const games = groups.map(({ id, prompt, tools, texts }) =>
    texts.flatMap((a, first) =>
      texts.slice(first + 1).map((b, offset) => {
        return { pair: [first, first + 1 + offset] as const, item: { id, prompt, tools, a, b } };
      }),
    ),
  );
  const items: ComparisonItem[] = games.flatMap((part) => part.map(({ item }) => item));
  const results: Comparison[] = items.length === 0 ? [] : await model.compare(items, options);
  let next = 0;
  return games.map((part, at) => {
    const found = results.slice(next, next + part.length);
    next += part.length;
    const played = part.map(({ pair }, game) => ({
      pair,
      probability: found[game]?.probability ?? Number.NaN,
    }));
    return winRates(played, groups[at]?.copies ?? []);
  });
}
