import { type Answer, conversationKey, type Prompt, type Tool } from '@gram/base';
import { type ComparisonItem, recordFlags } from '@gram/ranking';
import type { Shapes } from './schemas.js';
import { checkComparisons, noReference, type Work } from './scores.js';

type Request = ReturnType<Shapes['cohort']['parse']>;

/** Time before the deadline at which a cohort is answered with what is known, in milliseconds, and as a share of the time left. */
const RESERVE_MS = 100;
const RESERVE_SHARE = 0.1;

/** Items of one call; between two of them the deadline is looked at. */
const ITEMS = 32;

/**
 * `POST /v1/cohorts`: scores of all responses to one prompt. A model with rewards of its own gives them; of a pairwise model a score is
 * the probability to be preferred to the reference, of the request or of the server, or the mean probability to be preferred to
 * another response. What is not known shortly before the deadline is null: a late score does not hold up the others.
 */
export async function cohort(request: Request, work: Work): Promise<object> {
  const { prompt, responses } = request;
  const { compare, flagsOf } = recordFlags(work);
  const reference = request.reference ?? work.reference;
  const left = Math.max(0, work.endsAt - performance.now());
  const late = timer(left - Math.min(RESERVE_MS, RESERVE_SHARE * left));
  try {
    if (work.rewards !== undefined) {
      const rewards = work.rewards;
      const items = responses.map((response, index) => ({
        ...shared(request),
        id: `responses[${index}]`,
        response,
      }));
      const known = await answered(items, (part) => rewards(part), late.ended);
      const scores = responses.map((_, index) => known[index]?.reward ?? null);
      const flags = responses.map((_, index) => flagsAt(known[index]));
      return answerOf(work, scores, flags);
    }
    if (reference === undefined && responses.length === 1) throw noReference();
    const scoring = reference === undefined ? amongOthers(request) : against(request, reference);
    checkComparisons(scoring.items.length, work.limits);
    const ask = async (part: readonly ComparisonItem[]) =>
      (await compare(part)).map(({ probability }) => probability);
    const known = await answered(scoring.items, ask, late.ended);
    const flags = responses.map((response) => flagsOf({ prompt, response }));
    return answerOf(work, scoring.scores(known), flags);
  } finally {
    late.clear();
  }
}

function shared({ prompt, tools }: Request): { readonly prompt: Prompt; readonly tools?: readonly Tool[] } {
  return { prompt, ...(tools !== undefined && { tools }) };
}

function answerOf({ name }: Work, scores: readonly (number | null)[], responses: readonly object[]): object {
  return { model: name, scores, missing: scores.filter((score) => score === null).length, responses };
}

function flagsAt(known: { readonly truncated: boolean; readonly neutralized: boolean } | undefined) {
  return { truncated: known?.truncated ?? false, neutralized: known?.neutralized ?? false };
}

/** Asks in parts until all is known or it is late, and returns the results of the parts that were answered. */
async function answered<Item, Result>(
  items: readonly Item[],
  ask: (items: readonly Item[]) => Promise<readonly Result[]>,
  late: Promise<void>,
): Promise<readonly Result[]> {
  const known: Result[] = [];
  for (let from = 0; from < items.length; from += ITEMS) {
    const part = ask(items.slice(from, from + ITEMS));
    // Nobody waits for a part that is late; its request ends with the answer.
    part.catch(() => {});
    const results = await Promise.race([part, late]);
    if (results === undefined) break;
    known.push(...results);
  }
  return known;
}

/** Each response against a reference; one that equals it, or another response, is not asked about again. */
function against(request: Request, reference: Answer): PairScoring {
  const keys = request.responses.map(conversationKey);
  const own = conversationKey(reference);
  const asked = [...new Set(keys)].filter((key) => key !== own);
  const items = asked.map((key) => {
    const index = keys.indexOf(key);
    return { ...shared(request), id: `responses[${index}]`, a: at(request.responses, index), b: reference };
  });
  return {
    items,
    scores: (known) => keys.map((key) => (key === own ? 0.5 : (known[asked.indexOf(key)] ?? null))),
  };
}

/** Comparisons that scores follow from. */
interface PairScoring {
  readonly items: readonly ComparisonItem[];
  scores(known: readonly number[]): readonly (number | null)[];
}

/**
 * Each response against each other one. The pairs of the first response come first, then those of the second with the later ones, and
 * so on, so that the first scores are known early. Equal texts are a tie.
 */
function amongOthers(request: Request): PairScoring {
  const { responses } = request;
  const keys = responses.map(conversationKey);
  const distinct = [...new Set(keys)];
  const pairs = distinct.flatMap((_, a) =>
    distinct.slice(a + 1).map((_, offset) => [a, a + 1 + offset] as const),
  );
  const textOf = (place: number) => at(responses, keys.indexOf(distinct[place] ?? ''));
  const items = pairs.map(([a, b]) => ({ ...shared(request), a: textOf(a), b: textOf(b) }));
  return {
    items,
    scores(known) {
      const found = new Map(pairs.map(([a, b], index) => [`${a} ${b}`, known[index]]));
      const wins = (a: number, b: number): number | undefined => {
        if (a === b) return 0.5;
        const [low, high] = a < b ? [a, b] : [b, a];
        const probability = found.get(`${low} ${high}`);
        return probability === undefined || a < b ? probability : 1 - probability;
      };
      return keys.map((key, own) => {
        const others = keys.flatMap((other, index) => (index === own ? [] : [other]));
        const all = others.map((other) => wins(distinct.indexOf(key), distinct.indexOf(other)));
        if (all.length === 0 || all.some((each) => each === undefined)) return null;
        return all.reduce<number>((sum, each) => sum + (each ?? 0), 0) / all.length;
      });
    },
  };
}

function at(responses: readonly Answer[], index: number): Answer {
  const response = responses[index];
  if (response === undefined) throw new RangeError(`there is no response ${index}`);
  return response;
}

function timer(milliseconds: number): { readonly ended: Promise<void>; clear(): void } {
  let handle: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((resolve) => {
    handle = setTimeout(resolve, milliseconds);
  });
  return { ended, clear: () => clearTimeout(handle) };
}
