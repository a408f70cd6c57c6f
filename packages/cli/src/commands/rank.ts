import { type Answer, conversationText } from '@gram/base';
import { type Column, formatNumber, textTable } from '@gram/report';
import { type RankStrategy, rankAll, rankStrategies } from '@gram/reward';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { fetchData } from '../input/fetch-data.js';
import { flagSentences, promptFlags, readPrompt, readResponses } from '../input/prompt-input.js';
import { judgeFlags, loadJudge, readJudgeFlags } from '../models/load-judge.js';
import { explainOverlong } from '../models/overlong.js';

/** `gram rank`: responses to one prompt, best first. */
export const rankCommand = defineCommand({
  flags: {
    ...judgeFlags,
    ...promptFlags,
    response: { value: 'TEXT', multiple: true, help: 'a response' },
    responses: { value: 'FILE', help: 'file of responses, one { "response": TEXT or MESSAGES } a line' },
    strategy: {
      value: 'NAME',
      choices: ['auto', ...rankStrategies],
      help: 'which pairs are compared; default auto: all for few responses, fewer for many',
    },
    json: { help: 'print JSON, with what was compared' },
  },
  example:
    'gram rank --model runs/one/model --prompt "Add 2 and 3." --response 5 --response 6 --response five',
  cost: 'loading the model and two forward passes a comparison: n (n - 1) / 2 comparisons for n up to 16, about n log2 n above; n passes for a discriminative model',
  async run(values, io) {
    const { response, responses: file, json } = values;
    const { prompt, tools } = await readPrompt('gram rank', values);
    const strategy = (values.strategy ?? 'auto') as RankStrategy | 'auto';
    if (response.length > 0 === (file !== undefined)) {
      throw new CliError(
        'usage',
        'gram rank needs responses',
        'give either --response TEXT ... or --responses FILE',
      );
    }
    const responses: readonly Answer[] =
      file === undefined ? response : await readResponses(await fetchData(file, io));
    const flags = { truncated: false, neutralized: false };
    const model = await loadJudge(await readJudgeFlags(values, io), io);
    try {
      const [ranking] = await explainOverlong(() =>
        rankAll(model, [{ prompt, tools, responses }], {
          strategy,
          signal: io.signal,
          onComparison({ comparison }) {
            flags.truncated ||= comparison.truncated;
            flags.neutralized ||= comparison.neutralized;
          },
        }),
      );
      if (ranking === undefined) throw new TypeError('the model gave no ranking');
      const { order, scores, ...made } = ranking;
      const ranked = order.map((index, at) => ({
        rank: at + 1,
        index,
        score: scores[index] ?? Number.NaN,
        response: responses[index] ?? '',
      }));
      io.stdout.write(
        json
          ? `${JSON.stringify({ ranking: ranked, ...made, ...flags })}\n`
          : `${[rankingTable(ranked), ...flagSentences(flags)].join('\n')}\n`,
      );
    } finally {
      model.dispose();
    }
  },
});

/** Neighbors whose scores are printed alike share a rank. */
function rankingTable(ranked: readonly { readonly score: number; readonly response: Answer }[]): string {
  const rows: [number, string, string][] = [];
  for (const [at, { score, response }] of ranked.entries()) {
    const shown = formatNumber(score);
    const before = rows.at(-1);
    rows.push([before?.[1] === shown ? before[0] : at + 1, shown, conversationText(response)]);
  }
  const columns: Column[] = [{ name: 'rank' }, { name: 'score', align: 'right' }, { name: 'response' }];
  return textTable({ columns, rows });
}
