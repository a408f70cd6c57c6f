import { textTable } from '@gram/report';
import type { Comparison } from '@gram/reward';
import { defineCommand } from '../command.js';
import { judgeFlags, loadJudge, readJudgeFlags } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';

/** Largest probability of the better response, as printed, that is called a near tie. */
const LARGEST_NEAR_TIE = 0.52;

/** `gram score`: which of two responses is better. */
export const scoreCommand = defineCommand({
  flags: {
    ...judgeFlags,
    prompt: { value: 'TEXT', required: true, help: 'prompt of the responses' },
    a: { value: 'TEXT', required: true, help: 'first response' },
    b: { value: 'TEXT', required: true, help: 'second response' },
    json: { help: 'print JSON' },
  },
  example: 'gram score --model runs/one/model --prompt "Add 2 and 3." --a "5" --b "6"',
  cost: 'loading the model and two forward passes',
  async run(values, io) {
    const { prompt, a, b, json } = values;
    const model = await loadJudge(await readJudgeFlags(values, io), io);
    try {
      const [result] = await explainOverlong(() =>
        model.compare([{ id: 'a and b', prompt, a, b }], { signal: io.signal }),
      );
      if (result === undefined) throw new TypeError('the model gave no result');
      const { probability, orders, consistent, truncated, neutralized } = result;
      if (json) {
        io.stdout.write(`${JSON.stringify({ probability, orders, consistent, truncated, neutralized })}\n`);
        return;
      }
      const agreement = consistent ? '' : '; the verdict depends on the order of the responses';
      io.stdout.write(`${orderTable(result, model.kind)}\n\n${verdictOf(probability)}${agreement}\n`);
      if (truncated) io.stderr.write('text was cut to fit the model\n');
    } finally {
      model.dispose();
    }
  },
});

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
