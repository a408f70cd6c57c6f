import { readFileSync } from 'node:fs';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;

beforeAll(async () => {
  shop = await workshop();
  const pairs = createWorld({ seed: 5 }).labeledPairs(20);
  const named = pairs.map(({ prompt, chosen, rejected }) => ({
    question: prompt,
    good: chosen,
    bad: rejected,
  }));
  await writeJsonl(shop.path('named.jsonl'), [
    ...named.slice(0, 10),
    { question: 'Add 1 and 1.', good: '2', bad: null },
    { question: 'Add 1 and 1.', good: '2', bad: '' },
    { question: 'Add 1 and 1.', good: '2', bad: '2' },
    ...named.slice(10),
  ]);
  await writeJsonl(
    shop.path('ranked.jsonl'),
    pairs.map(({ id, prompt, chosen, rejected }) => ({
      id: `${id}`.slice(0, 1),
      prompt,
      responses: [rejected, chosen, `${prompt} ${chosen}`],
      scores: [1, 3, 2],
    })),
  );
});
afterAll(() => shop.remove());

const columns = 'data.columns={prompt: question, chosen: good, rejected: bad}';
const finetune = (file: string, ...settings: string[]) =>
  gram([
    ...['finetune', '--config', shop.path('config.yaml'), '--set', `data.path=${shop.path(file)}`],
    ...settings.flatMap((setting) => ['--set', setting]),
  ]);

describe('how a configuration has its data read', () => {
  it('maps columns, leaves out what is bad within the bound, and adds up in log, report and card', async () => {
    const { status, stderr } = await finetune(
      'named.jsonl',
      columns,
      'data.maxBadRecords=1',
      'optimizer.epochs=1',
      'output=mapped',
    );
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(
      'data: 23 records read, 20 kept, 3 dropped (1 bad record, 1 empty response, 1 equal responses)\n',
    );
    expect(stderr).toContain('data: recognized the format preference, { prompt?, chosen, rejected }');
    const card = readFileSync(shop.path('mapped/README.md'), 'utf8');
    expect(card).toMatch(/\| format of the data \| `preference` \|/);
    expect(card).toMatch(/\| records read \| 23 \|/);
    expect(card).toMatch(/\| left out: bad record \| 1 \|/);
    const report = readFileSync(shop.path('mapped/report.html'), 'utf8');
    expect(report).toContain('records read');
  });

  it('stops at the first record that cannot be read, and names what to map', async () => {
    const stopped = await finetune('named.jsonl', columns);
    expect([stopped.status, stopped.stderr]).toEqual([
      1,
      expect.stringMatching(/field "bad" of \S*named\.jsonl line 11 is not a string or a list of messages/),
    ]);
    const unmapped = await finetune('named.jsonl');
    expect([unmapped.status, unmapped.stderr]).toEqual([
      1,
      expect.stringMatching(/map its fields with columns/),
    ]);
    const refused = await finetune('named.jsonl', columns, 'data.maxBadRecords=1', 'degenerate=error');
    expect(refused.stderr).toMatch(
      /line 12 is not a text that is not empty; .*1 bad records were left out before/,
    );
  });

  it('makes pairs of ranked responses by the rule that is named', async () => {
    const dry = (...settings: string[]) =>
      gram([
        ...['finetune', '--dry-run', '--config', shop.path('config.yaml')],
        ...[
          '--set',
          `data.path=${shop.path('ranked.jsonl')}`,
          ...settings.flatMap((each) => ['--set', each]),
        ],
      ]);
    const all = await dry();
    expect(all.stderr).toContain('finetune: 60 examples');
    expect(all.stderr).toContain('data: 20 records give 60 examples');
    expect((await dry('data.pairing=best')).stderr).toContain('finetune: 40 examples');
    const wrong = await dry('data.format=llmbar');
    expect(wrong.stderr).toMatch(
      /use the format scored-responses, which its fields fit, in the place of llmbar/,
    );
  });
});
