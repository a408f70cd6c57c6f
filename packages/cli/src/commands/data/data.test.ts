import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeJsonl } from '@gram/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, useBrowser } from '../../../../report/src/__fixtures__/use-browser.js';
import { gram } from '../../__fixtures__/run.js';

let folder: string;
const path = (name: string) => join(folder, name);
const rows = (name: string) =>
  readFileSync(path(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const pair = (at: number, more: object = {}) => ({
  id: `${at}`,
  prompt: `Question number ${at} of the list`,
  chosen: `The long right answer ${at}`,
  rejected: 'No.',
  model: 'kept as it is',
  ...more,
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gram-data-'));
  await writeJsonl(path('pairs.jsonl'), [
    ...Array.from({ length: 40 }, (_, at) => pair(at, { family: at % 4 === 0 ? HOSTILE : 'chat' })),
    pair(3, { id: 'again', prompt: 'question NUMBER 3 of  the list' }),
    pair(4, { id: 'swapped', chosen: 'No.', rejected: 'The long right answer 4' }),
    pair(50, { chosen: 'No.' }),
    pair(51, { chosen: 'bad \ufffd text', prompt: HOSTILE }),
  ]);
  await writeJsonl(path('held-out.jsonl'), [
    { prompt: 'Question number 7 of the list' },
    { prompt: 'Never asked' },
  ]);
  await writeJsonl(path('ranked.jsonl'), [{ prompt: 'p', responses: ['a', 'b', 'c'], scores: [1, 2, 3] }]);
  writeFileSync(path('table.csv'), 'prompt,chosen,rejected\np,a,b\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function done(...argv: string[]) {
  const outcome = await gram(['data', ...argv]);
  expect(outcome.stderr.replace(/^data: .*\n/gm, '')).toBe('');
  expect(outcome.status).toBe(0);
  return outcome;
}

describe('gram data', () => {
  it('lists and explains its actions', async () => {
    const listed = await gram(['data']);
    expect(listed.stdout).toMatch(/Usage: gram data ACTION[\s\S]*inspect[\s\S]*mix/);
    for (const argv of [
      ['data', '--help'],
      ['help', 'data'],
    ])
      expect(await gram(argv)).toEqual(listed);
    const help = await gram(['data', 'dedupe', '--help']);
    expect(help.stdout).toMatch(/Usage: gram data dedupe INPUT OUTPUT[\s\S]*Example: gram data[\s\S]*Cost: /);
    expect(await gram(['help', 'data', 'dedupe'])).toEqual(help);
    const wrong = await gram(['data', 'stat', 'x']);
    expect(wrong).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/did you mean gram data stats\?/),
    });
  });

  it('inspect says what a file is', async () => {
    const { stdout, stderr } = await done('inspect', path('pairs.jsonl'), '--show', '1');
    expect(stderr).toContain('44 records read, 43 kept, 1 dropped (1 equal responses)');
    expect(stdout).toMatch(/format {3}preference\nfields {3}id, prompt, chosen, rejected, model, family/);
    expect(stdout).toMatch(/record 0\nprompt: Question number 0 of the list\nchosen: The long right/);
    const { stdout: json } = await done('inspect', path('ranked.jsonl'), '--json');
    expect(JSON.parse(json)).toMatchObject({
      format: 'scored-responses',
      records: { read: 1, kept: 1 },
      examples: [{ prompt: 'p', rewards: [1, 2, 3] }],
    });
  });

  it('dedupe and decontaminate write the records as they are, and their counts add up', async () => {
    const { stdout } = await done('dedupe', path('pairs.jsonl'), path('clean.jsonl'), '--near');
    expect(stdout).toContain('duplicates: 43 read, 41 kept, 2 dropped (1 duplicate, 1 contradiction)');
    const written = rows('clean.jsonl');
    expect(written[0]).toEqual(pair(0, { family: HOSTILE }));
    const { stdout: json } = await done(
      'decontaminate',
      path('clean.jsonl'),
      path('fresh.jsonl'),
      '--against',
      `prompts=${path('held-out.jsonl')}`,
      '--json',
    );
    expect(JSON.parse(json)).toMatchObject({
      written: written.length - 1,
      steps: [{ read: written.length, kept: written.length - 1 }],
      overlaps: [{ prompts: 2, equal: 1, near: 0, records: 1 }],
    });
    expect(rows('fresh.jsonl').map(({ id }) => id)).not.toContain('7');
  });

  it('filter, sample, split and mix', async () => {
    const filtered = await done(
      'filter',
      path('pairs.jsonl'),
      path('good.jsonl'),
      '--garble',
      '--max-characters',
      '200',
    );
    expect(filtered.stdout).toContain('garble: 43 read, 42 kept, 1 dropped (1 undecodable)');
    await done('sample', path('good.jsonl'), path('some.jsonl'), '--count', '10', '--shuffle', '--seed', '2');
    expect(rows('some.jsonl')).toHaveLength(10);
    await done('sample', path('good.jsonl'), path('every.jsonl'), '--every', '20');
    expect(rows('every.jsonl').map(({ id }) => id)).toEqual(['0', '20', 'again']);
    const { stdout } = await done(
      'split',
      path('good.jsonl'),
      path('parts'),
      '--part',
      'train=0.7',
      '--part',
      'test=0.3',
      '--json',
    );
    const [train, test] = ['train', 'test'].map((name) => rows(`parts/${name}.jsonl`));
    expect(JSON.parse(stdout).parts.map(({ written }: { written: number }) => written)).toEqual([
      train?.length,
      test?.length,
    ]);
    expect((train?.length ?? 0) + (test?.length ?? 0)).toBe(42);
    await done(
      'mix',
      path('mixed.jsonl'),
      '--source',
      `${path('parts/train.jsonl')}=1`,
      '--source',
      `${path('parts/test.jsonl')}=1`,
    );
    expect(Math.abs(rows('mixed.jsonl').length - 2 * (test?.length ?? 0))).toBeLessThanOrEqual(1);
  });

  it('convert writes other formats', async () => {
    const { stdout } = await done(
      'convert',
      path('pairs.jsonl'),
      path('stage2.jsonl'),
      '--to',
      'gram-finetune',
    );
    expect(stdout).toContain('writing: 43 read, 43 kept, 0 dropped');
    const { stdout: read } = await done('inspect', path('stage2.jsonl'), '--json');
    expect(JSON.parse(read)).toMatchObject({ format: 'gram-finetune', records: { kept: 43 } });
    await done('convert', path('ranked.jsonl'), path('weighted.jsonl'), '--to', 'preference', '--weights');
    expect(rows('weighted.jsonl').map(({ weight }) => weight)).toEqual([1 / 3, 1 / 3, 1 / 3]);
    await done('convert', path('table.csv'), path('table.jsonl'), '--to', 'messages');
    expect(rows('table.jsonl')[0]).toMatchObject({ messages: [{ content: 'p' }, { content: 'a' }] });
  });

  it.each([
    [
      'an output that is an input',
      ['dedupe', 'pairs.jsonl', 'pairs.jsonl'],
      /pairs.jsonl is read and cannot be written/,
    ],
    [
      'an output of another form',
      ['dedupe', 'pairs.jsonl', 'x.csv'],
      /cannot write .*x.csv; name the output \.jsonl/,
    ],
    ['nothing to do', ['sample', 'pairs.jsonl', 'x.jsonl'], /needs to know which records/],
    ['no evaluation set', ['decontaminate', 'pairs.jsonl', 'x.jsonl'], /needs evaluation sets/],
    ['rows of texts', ['dedupe', 'table.csv', 'x.jsonl'], /with gram data convert/],
    ['nothing left', ['filter', 'pairs.jsonl', 'x.jsonl', '--max-characters', '1'], /nothing is left/],
    [
      'tokens without a tokenizer',
      ['filter', 'pairs.jsonl', 'x.jsonl', '--max-tokens', '9'],
      /belong together/,
    ],
    [
      'weights that are lost',
      ['convert', 'pairs.jsonl', 'x.jsonl', '--to', 'kto', '--weights'],
      /kto has no weights/,
    ],
    [
      'shares that do not sum to 1',
      ['split', 'pairs.jsonl', 'out', '--part', 'a=0.5', '--part', 'b=0.1'],
      /sum to 1/,
    ],
    [
      'several formats',
      ['mix', 'x.jsonl', '--source', 'pairs.jsonl=1', '--source', 'ranked.jsonl=1'],
      /the formats preference, scored-responses/,
    ],
  ])('refuses %s', async (_, argv, message) => {
    const [action = '', ...rest] = argv;
    const words = rest.map((word) => (/\.(jsonl|csv)(=1)?$|^out$/.test(word) ? path(word) : word));
    const { status, stderr } = await gram(['data', action, ...words]);
    expect(stderr).toMatch(message);
    expect(status).toBeGreaterThan(0);
    expect(existsSync(path('x.jsonl'))).toBe(false);
  });

  it('stats measures', async () => {
    const { stdout } = await done(
      'stats',
      path('pairs.jsonl'),
      '--json',
      '--against',
      `prompts=${path('held-out.jsonl')}`,
    );
    expect(JSON.parse(stdout)).toMatchObject({
      records: { read: 44, kept: 43, dropped: { 'equal-responses': 1 } },
      statistics: {
        families: [
          { name: 'chat', records: 30 },
          { name: HOSTILE, records: 10 },
        ],
        damaged: [{ name: 'undecodable', records: 1 }],
        repeated: [
          { name: 'duplicate', records: 1 },
          { name: 'contradiction', records: 1 },
        ],
        tokens: null,
        prompts: 41,
        records: 43,
      },
      overlaps: [{ equal: 1 }],
    });
    const { stdout: text } = await done('stats', path('pairs.jsonl'));
    expect(text).toMatch(/longer {7}the chosen response in 97\.\d % of the pairs/);
  });
});

describe.skipIf(noBrowser)('the page of gram data stats in a browser', () => {
  const { tab: page, visit } = useBrowser();
  beforeAll(async () => {
    const against = ['--against', `prompts=${path('held-out.jsonl')}`];
    await done('stats', path('pairs.jsonl'), ...against, '--page', path('stats.html'));
  });

  it.each([
    ['light', 1100],
    ['light', 390],
    ['dark', 1100],
    ['dark', 390],
  ] as const)('shows everything in %s at %d pixels, and text never as markup', async (scheme, width) => {
    await page.look(scheme, width);
    await visit(pathToFileURL(path('stats.html')).href, 'document.querySelector("article") !== null');
    const found = await page.evaluate<{
      scroll: number;
      images: number;
      title: string;
      text: string;
      outside: number;
      cards: number;
      color: string;
    }>(`(() => {
      const charts = [...document.querySelectorAll('svg.gram-chart')];
      const outside = charts.flatMap((chart) => {
        const whole = chart.getBoundingClientRect();
        return [...chart.querySelectorAll('text')].filter((text) => {
          const box = text.getBoundingClientRect();
          return box.left < whole.left - 1 || box.right > whole.right + 1;
        });
      });
      return {
        scroll: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        images: document.querySelectorAll('img, script').length,
        title: document.title,
        text: document.body.innerText,
        outside: outside.length,
        cards: document.querySelectorAll('article').length,
        color: getComputedStyle(document.body).backgroundColor,
      };
    })()`);
    expect(found).toMatchObject({ scroll: 0, images: 0, outside: 0, title: path('pairs.jsonl') });
    expect(found.cards).toBe(9);
    expect(found.text).toContain(HOSTILE);
    expect(found.text).toMatch(/Overlap with evaluation sets/i);
    const [red = 0] = found.color.match(/\d+/g)!.map(Number);
    expect(scheme === 'dark' ? red < 80 : red > 200).toBe(true);
    expect(page.messages).toEqual([]);
  });
});
