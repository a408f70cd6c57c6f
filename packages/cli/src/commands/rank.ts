import { DataError, readRecords } from '@gram/data';
import { textTable } from '@gram/report';
import { loadRewardModel } from '@gram/reward';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { cutOrRefuse, explainTooLong, tooLong } from './too-long.js';

/** `gram rank`: responses to one prompt, best first. */
export const rankCommand = defineCommand({
  name: 'rank',
  summary: 'Ranks responses to one prompt by comparing each with each other one.',
  flags: {
    model: { value: 'DIR', required: true, help: 'Directory of a reward model.' },
    prompt: { value: 'TEXT', required: true, help: 'The prompt.' },
    response: { value: 'TEXT', multiple: true, help: 'A response.' },
    responses: { value: 'FILE', help: 'Responses from a file, one { "response": TEXT } a line.' },
    'too-long': tooLong,
    json: { help: 'Print JSON.' },
  },
  example:
    'gram rank --model runs/one/model --prompt "Add 2 and 3." --response 5 --response 6 --response five',
  cost: 'loading the model and n (n - 1) forward passes for n responses (n for a discriminative model).',
  async run({ model: directory, prompt, response, responses: file, 'too-long': overlong, json }, io) {
    if (response.length > 0 === (file !== undefined)) {
      throw new CliError(
        'usage',
        'gram rank needs responses',
        'give either --response TEXT ... or --responses FILE',
      );
    }
    const responses = file === undefined ? response : await readResponses(file);
    const model = await loadRewardModel(directory, { overlong: cutOrRefuse(overlong) });
    try {
      const { order, scores, comparisons } = await explainTooLong(() =>
        model.rank(prompt, responses, { signal: io.signal }),
      );
      const ranked = order.map((index, at) => ({
        rank: at + 1,
        index,
        score: scores[index]!,
        response: responses[index]!,
      }));
      if (json) {
        io.stdout.write(`${JSON.stringify({ ranking: ranked, comparisons })}\n`);
        return;
      }
      const columns = [{ name: 'rank' }, { name: 'score' }, { name: 'response' }];
      const rows = ranked.map((row) => [row.rank, row.score, row.response]);
      io.stdout.write(`${textTable({ columns, rows })}\n`);
    } finally {
      model.dispose();
    }
  },
});

async function readResponses(path: string): Promise<string[]> {
  const responses: string[] = [];
  for await (const { record, where } of readRecords(path)) {
    const { response } = record;
    if (typeof response !== 'string') {
      throw new DataError('bad-record', `field "response" of ${where} is not a string`, 'Repair the record.');
    }
    responses.push(response);
  }
  return responses;
}
