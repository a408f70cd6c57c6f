import type { Answer } from '@gram/base';
import { letThreadsSleep } from '@gram/engine';
import { textTable } from '@gram/report';
import type { Comparison } from '@gram/reward';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { flagSentences, promptFlags, readPrompt, readResponses } from '../input/prompt-input.js';
import { judgeFlags, loadJudge, readJudgeFlags } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';

/** Largest probability of the better response, as printed, that is called a near tie. */
const LARGEST_NEAR_TIE = 0.52;

/** `gram score`: which of two responses is better. */
export const scoreCommand = defineCommand({
  flags: {
    ...judgeFlags,
    ...promptFlags,
    a: { value: 'TEXT', help: 'first response' },
    b: { value: 'TEXT', help: 'second response' },
    responses: {
      value: 'FILE',
      help: 'both responses in the place of --a and --b, one { "response": TEXT or MESSAGES } a line',
    },
    'vocabulary-scores': {
      help: 'also print the scores of the paper: probabilities of the labels among all tokens',
    },
    json: { help: 'print JSON' },
  },
  example: 'gram score --model runs/one/model --prompt "Add 2 and 3." --a "5" --b "6"',
  cost: 'loading the model and two forward passes',
  async run(values, io) {
    const { json } = values;
    const prompt = await readPrompt('gram score', values);
    const [a, b] = await readBoth(values);
    const vocabularyScores = values['vocabulary-scores'];
    letThreadsSleep();
    // It judges one pair, for which packing the weights takes longer than it saves.
    const judge = { ...(await readJudgeFlags(values, io)), vocabularyScores, prepack: false };
    const model = await loadJudge(judge, io);
    try {
      const [result] = await explainOverlong(() =>
        model.compare([{ id: 'a and b', ...prompt, a, b }], { signal: io.signal }),
      );
      if (result === undefined) throw new TypeError('the model gave no result');
      const { probability, orders, consistent, truncated, neutralized, vocabularyScores: scores } = result;
      if (json) {
        const fields = { probability, orders, vocabularyScores: scores, consistent, truncated, neutralized };
        io.stdout.write(`${JSON.stringify(fields)}\n`);
        return;
      }
      const agreement = consistent ? '' : '; the verdict depends on the order of the responses';
      const verdict = `${verdictOf(probability)}${agreement}`;
      const lines = [
        orderTable(result, model.kind),
        '',
        verdict,
        ...scoreLine(scores),
        ...flagSentences(result),
      ];
      io.stdout.write(`${lines.join('\n')}\n`);
    } finally {
      model.dispose();
    }
  },
});

async function readBoth({
  a,
  b,
  responses: file,
}: {
  readonly a: string | undefined;
  readonly b: string | undefined;
  readonly responses: string | undefined;
}): Promise<readonly [Answer, Answer]> {
  if (file === undefined && a !== undefined && b !== undefined) return [a, b];
  if (file === undefined || a !== undefined || b !== undefined) {
    throw new CliError(
      'usage',
      'gram score needs two responses',
      'give --a TEXT and --b TEXT, or --responses FILE',
    );
  }
  const [first, second, ...others] = await readResponses(file);
  if (first !== undefined && second !== undefined && others.length === 0) return [first, second];
  throw new CliError('usage', `${file} does not hold two responses`, 'give two lines, or use gram rank');
}

function orderTable({ orders, probability }: Comparison, kind: 'generative' | 'discriminative'): string {
  const columns = [{ name: 'order' }, { name: 'P(a is better)' }];
  const rows: [string, number][] =
    orders === undefined
      ? [[kind === 'generative' ? 'one only' : 'any', probability]]
      : [
          ['a shown first', orders[0]],
          ['b shown first', orders[1]],
          ['mean', probability],
        ];
  return textTable({ columns, rows });
}

/**
 * Names the better response with its own probability, as it is printed: what rounds to one half is a tie, and what is within
 * 0.02 of it is called a near tie.
 *
 * @param probability that a is better
 */
export function verdictOf(probability: number): string {
  const [winner, own] = probability >= 0.5 ? ['a', probability] : ['b', 1 - probability];
  const shown = own.toFixed(4);
  if (shown === '0.5000') return 'a tie';
  const verdict = `${winner} is better with probability ${shown}`;
  return Number(shown) <= LARGEST_NEAR_TIE ? `near tie: ${verdict}` : verdict;
}

function scoreLine(scores: readonly [number, number] | undefined): string[] {
  if (scores === undefined) return [];
  return [`scores among all tokens: a ${scores[0].toFixed(4)}, b ${scores[1].toFixed(4)}`];
}
