import { createRandom, formatPercent } from '@gram/base';
import { DataError, readRecords } from '@gram/data';
import { textTable } from '@gram/report';
import { compareResults, type ItemScore } from '@gram/reward';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { fetchData } from '../input/fetch-data.js';
import { wholeNumber } from '../parse-flags.js';

/** `gram compare`: whether two models differ by more than chance. */
export const compareCommand = defineCommand({
  operands: {
    first: { value: 'FIRST', help: 'results of gram eval: its --out file, or items.jsonl of a benchmark' },
    second: { value: 'SECOND', help: 'results of another model on the same items' },
  },
  flags: {
    seed: { value: 'N', help: 'seed of the bootstrap interval; default 0' },
    json: { help: 'print JSON' },
  },
  example: 'gram compare runs/one/llmbar/items.jsonl runs/two/llmbar/items.jsonl',
  cost: 'reading both files',
  async run({ first, second, seed, json }, io) {
    const a = await readResults(await fetchData(first, io));
    const b = await readResults(await fetchData(second, io));
    if (a.data !== b.data) {
      throw new CliError(
        'bad-file',
        `${first} and ${second} are results of different items`,
        'run both models on the same benchmark files',
      );
    }
    const random = createRandom(seed === undefined ? 0 : wholeNumber('seed', seed, 0), 'compare');
    const found = compareResults(a.items, b.items, random);
    if (json) {
      io.stdout.write(`${JSON.stringify(found)}\n`);
      return;
    }
    const { items, scores, difference, interval, onlyFirst, onlySecond, pValue } = found;
    const points = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
    const table = textTable({
      columns: [{ name: 'results' }, { name: 'score', align: 'right' }, { name: 'right alone' }],
      rows: [
        [first, formatPercent(scores[0]), onlyFirst],
        [second, formatPercent(scores[1]), onlySecond],
      ],
    });
    io.stdout.write(
      `${[
        table,
        '',
        `items        ${items}`,
        `difference   ${points(difference)} points, 95 % interval ${points(interval[0])} to ${points(interval[1])}`,
        `p-value      ${Number(pValue.toPrecision(3))} (exact McNemar test on items that one model alone has right)`,
      ].join('\n')}\n`,
    );
  },
});

/** The scores of a file, and the hash of its items where it has one. */
async function readResults(path: string): Promise<{ data: unknown; items: ItemScore[] }> {
  let data: unknown;
  const items: ItemScore[] = [];
  for await (const { record, where, number } of readRecords(path)) {
    const { fingerprint, id, correct } = record;
    if (number === 1 && typeof fingerprint === 'object' && fingerprint !== null) {
      data = (fingerprint as { data?: unknown }).data;
      continue;
    }
    const score = typeof correct === 'boolean' ? Number(correct) : correct;
    if (typeof id !== 'string') throw badField('id', where, 'a string');
    if (typeof score !== 'number' || !(score >= 0 && score <= 1)) {
      throw badField('correct', where, 'true, false or a number from 0 to 1');
    }
    items.push({ id, correct: score });
  }
  return { data, items };
}

function badField(name: string, where: string, wanted: string): DataError {
  return new DataError(
    'bad-record',
    `field "${name}" of ${where} is not ${wanted}`,
    'give the results that gram eval wrote',
  );
}
