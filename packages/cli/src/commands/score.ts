import { textTable } from '@gram/report';
import { defineCommand } from '../command.js';
import { judgeFlags, loadJudge, readJudgeFlags } from './load-judge.js';
import { explainTooLong } from './too-long.js';

/** `gram score`: which of two responses is better. */
export const scoreCommand = defineCommand({
  name: 'score',
  summary: 'Compares two responses to a prompt.',
  flags: {
    ...judgeFlags,
    prompt: { value: 'TEXT', required: true, help: 'The prompt.' },
    a: { value: 'TEXT', required: true, help: 'The first response.' },
    b: { value: 'TEXT', required: true, help: 'The second response.' },
    json: { help: 'Print JSON.' },
  },
  example: 'gram score --model runs/one/model --prompt "Add 2 and 3." --a "5" --b "6"',
  cost: 'loading the model and two forward passes.',
  async run(values, io) {
    const { prompt, a, b, json } = values;
    const model = await loadJudge(await readJudgeFlags(values, io), io);
    try {
      const [result] = await explainTooLong(() =>
        model.compare([{ id: 'a and b', prompt, a, b }], { signal: io.signal }),
      );
      const { probability, orders, consistent, truncated, neutralised } = result!;
      if (json) {
        io.stdout.write(`${JSON.stringify({ probability, orders, consistent, truncated, neutralised })}\n`);
        return;
      }
      const rows: [string, number][] = [
        ...(orders === undefined
          ? []
          : ([
              ['a shown first', orders[0]],
              ['b shown first', orders[1]],
            ] as [string, number][])),
        [orders !== undefined ? 'mean' : model.kind === 'generative' ? 'one only' : 'any', probability],
      ];
      const verdict = probability === 0.5 ? 'a tie' : `${probability > 0.5 ? 'a' : 'b'} is better`;
      const agreement = consistent ? '' : '; the verdict depends on the order of the responses';
      const columns = [{ name: 'order' }, { name: 'P(a is better)' }];
      io.stdout.write(`${textTable({ columns, rows })}\n\n${verdict}${agreement}\n`);
      if (truncated) io.stderr.write('text was cut to fit the model\n');
    } finally {
      model.dispose();
    }
  },
});
