import { patternCost, patternProblem } from '@gram/tokenize';
import { PpoError } from '../error.js';
import type { RewardFunction } from './reward.js';

/** Units in which a response is measured. */
export const lengthUnits = ['tokens', 'characters', 'words'] as const;

/** Bounds on the length of a response. */
export interface LengthOptions {
  /** @default 'tokens' */
  readonly unit?: (typeof lengthUnits)[number];
  /** Shortest length without a penalty. @default none */
  readonly min?: number;
  /** Longest length without a penalty. @default none */
  readonly max?: number;
  /** Length beyond a bound at which the penalty is whole. @default 0, which makes it whole at once */
  readonly buffer?: number;
}

/**
 * Makes a reward of the length of a response. With bounds it is 0 within them and falls linearly to -1 at `buffer` beyond them,
 * as the soft punishment of DAPO (Yu et al. 2025, equation 13, with `max` = L_max - L_cache and `buffer` = L_cache). Without bounds it
 * is the length itself, for a monitor.
 *
 * @throws PpoError `bad-option`; the function does for tokens where their numbers are not known
 */
export function lengthReward({ unit = 'tokens', min, max, buffer = 0 }: LengthOptions = {}): RewardFunction {
  if (min !== undefined && max !== undefined && min > max) {
    throw new PpoError('bad-option', `the length has min ${min} above max ${max}`, 'exchange them');
  }
  const rewardOf = (length: number) => {
    if (min === undefined && max === undefined) return length;
    const beyond = Math.max(0, (min ?? 0) - length, length - (max ?? Number.POSITIVE_INFINITY));
    return beyond === 0 ? 0 : -Math.min(1, beyond / buffer);
  };
  return (groups) =>
    groups.map(({ id, responses, lengths }) =>
      responses.map((text, place) => {
        if (unit === 'characters') return rewardOf([...text].length);
        if (unit === 'words') return rewardOf(text.split(/\s+/).filter((word) => word !== '').length);
        const tokens = lengths?.[place];
        if (tokens !== undefined) return rewardOf(tokens);
        throw new PpoError(
          'bad-option',
          `the number of tokens of the responses to ${JSON.stringify(id)} is not known`,
          'measure characters or words',
        );
      }),
    );
}

/** Flags that a pattern of a reward may have. */
const FLAGS = /^[imsu]*$/;

/**
 * Makes a reward of a regular expression: 1 for a response that it finds something in, else 0. Patterns that may take long on a
 * text that is made for them are refused, and so are responses that are too long for the rest: the policy writes what it is paid for.
 *
 * @param flags of the expression: `i`, `m`, `s` and `u`
 * @throws PpoError `bad-option`; the function does for a response that is too long
 */
export function patternReward(pattern: string, flags = ''): RewardFunction {
  const problem = patternProblem(pattern);
  if (problem !== undefined) {
    throw new PpoError(
      'bad-option',
      `the reward ${problem}: ${JSON.stringify(pattern)}`,
      'write a simpler one',
    );
  }
  if (!FLAGS.test(flags)) {
    throw new PpoError('bad-option', `a pattern has the flags ${JSON.stringify(flags)}`, 'use i, m, s and u');
  }
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, flags);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new PpoError('bad-option', `a pattern is invalid: ${message}`, 'correct it', { cause });
  }
  const { maximumText } = patternCost(pattern);
  return (groups) =>
    groups.map(({ id, responses }) =>
      responses.map((text) => {
        if (text.length <= maximumText) return Number(expression.test(text));
        throw new PpoError(
          'bad-reward',
          `a response to ${JSON.stringify(id)} has ${text.length} characters, and the pattern is given at most ${maximumText}`,
          'write a simpler pattern, or lower maxNewTokens',
        );
      }),
    );
}

/** Form that a response must have: JSON, or parts between tags in an order. */
export type FormatOptions = { readonly json: true } | { readonly tags: readonly string[] };

/**
 * Makes a reward of the form of a response: 1 where it has the form, else 0. With `tags` the response consists of the parts
 * `<tag>...</tag>` in their order, each once, with nothing but white space around them, as DeepSeek-R1 (Guo et al. 2025) asks for
 * `think` and `answer`.
 *
 * @throws PpoError `bad-option`
 */
export function formatReward(options: FormatOptions): RewardFunction {
  const hasForm = 'json' in options ? isJson : tagChecker(options.tags);
  return (groups) => groups.map(({ responses }) => responses.map((text) => Number(hasForm(text))));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function tagChecker(tags: readonly string[]): (text: string) => boolean {
  const wrong = tags.find((tag) => !/^[A-Za-z][\w-]{0,63}$/.test(tag));
  if (tags.length === 0 || wrong !== undefined || new Set(tags).size < tags.length) {
    const problem =
      wrong === undefined ? 'the tags of a format are none or repeat' : `${JSON.stringify(wrong)} is no tag`;
    throw new PpoError('bad-option', problem, 'name each tag once, for example think and answer');
  }
  return (text) => {
    let rest = text.trim();
    for (const tag of tags) {
      const [open, close] = [`<${tag}>`, `</${tag}>`];
      const end = rest.indexOf(close);
      if (!rest.startsWith(open) || end < 0 || rest.indexOf(open, open.length) >= 0) return false;
      rest = rest.slice(end + close.length).trimStart();
      if (rest.includes(close)) return false;
    }
    return rest === '';
  };
}
