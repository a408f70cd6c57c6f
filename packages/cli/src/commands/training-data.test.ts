import { existsSync, readFileSync, rmSync } from 'node:fs';
import { writeJsonl } from '@gram/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
/** Trains a stage on records for an epoch of steps of four, cut to 96 tokens. */
async function train(stage: string, records: readonly object[], ...sets: string[]) {
  rmSync(shop.path('trained'), { recursive: true, force: true });
  await writeJsonl(shop.path('data.jsonl'), records);
  const all = [
    ...[`stage=${stage}`, 'data.path=data.jsonl', 'output=trained', 'overlong=truncate', 'maxLength=96'],
    ...['optimizer.batchSize=4', 'optimizer.epochs=1', ...sets],
  ];
  return gram([stage, '--config', shop.path('config.yaml'), ...all.flatMap((set) => ['--set', set])]);
}
const read = (name: string) => readFileSync(shop.path(`trained/${name}`), 'utf8');

beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.remove());

const long = 'the same words again and again '.repeat(20);
const pair = (index: number) => ({
  prompt: `what is ${index}?`,
  chosen: `${index} it is`,
  rejected: 'who knows',
});
const pairs = Array.from({ length: 8 }, (_, index) => pair(index));
const silent = { ...pair(8), rejected: ' ' };
const alike = { prompt: 'go on', chosen: `${long}good`, rejected: `${long}bad` };

describe('the data of a run', () => {
  it.each(['pretrain', 'finetune', 'bradley-terry', 'dpo'])(
    'is counted for %s in the log, in the report and in the card',
    async (stage) => {
      const named = pairs.map((record) => ({ ...record, id: 'train' }));
      const { status, stderr } = await train(stage, [...named, silent, alike, { ...alike, prompt: '' }]);
      expect(status, stderr).toBe(0);
      expect(stderr).toContain(
        'data: 11 records read, 8 kept, 3 dropped (1 empty response, 1 empty prompt, 1 equal once encoded), 7 with the id of an earlier one\n',
      );
      for (const reason of ['empty prompt', 'empty response', 'equal once encoded']) {
        expect(read('README.md')).toContain(`| left out: ${reason} | 1 |`);
        expect(read('report.html')).toContain(`records left out: ${reason}`);
      }
      expect(read('README.md')).toContain('| records read | 11 |');
      expect(read('README.md')).toContain('| records with the id of an earlier one | 7 |');
    },
  );

  it('is refused by name where that is asked for', async () => {
    const strict = await train(
      'dpo',
      [...pairs, { ...alike, id: 'twin' }],
      'degenerate=error',
      'output=strict',
    );
    expect(strict.status).toBe(1);
    expect(strict.stderr).toMatch(
      /^gram: record "twin" has two responses that are the same once .*; correct or remove it/m,
    );
    expect(existsSync(shop.path('strict'))).toBe(false);
  });

  it('is refused with the reasons where nothing is left', async () => {
    const { status, stderr } = await train('bradley-terry', [alike, alike, silent]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^gram: .*data\.jsonl gives no example: 3 records read, 0 kept, 3 dropped \(1 empty response, 2 equal once encoded\); /m,
    );
  });
});
