import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

const natural = fileURLToPath(new URL('../../../../../shared/data/llmbar/natural.json', import.meta.url));

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
let model: string;
let data: string;

beforeAll(async () => {
  shop = await judgeWorkshop();
  model = shop.path('out/model');
  data = shop.path('pairs.jsonl');
});
afterAll(() => shop.remove());

describe('gram eval', () => {
  it('prints accuracy, consistency, position bias, speed and families', async () => {
    const { status, stdout, stderr } = await gram(['eval', '--model', model, '--data', data]);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^all +[\d.]+ % +[\d.]+ % to [\d.]+ % +40$/m);
    for (const word of ['consistency', 'position bias', 'pairs/s']) expect(stdout).toContain(word);
    expect(stdout).toMatch(/^arithmetic /m);
  });

  it('prints JSON alone, and writes a line for each pair', async () => {
    const out = shop.path('results.jsonl');
    const argv = [
      'eval',
      '--model',
      model,
      '--data',
      data,
      '--format',
      'preference',
      '--limit',
      '9',
      '--json',
    ];
    const { status, stdout, stderr } = await gram([...argv, '--out', out, '--seed', '4']);
    expect(status, stderr).toBe(0);
    const summary = JSON.parse(stdout);
    const lines = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(summary.pairs).toBe(9);
    expect(lines).toHaveLength(9);
    expect(summary.accuracy).toBeCloseTo(lines.filter(({ correct }) => correct).length / 9, 12);
    for (const { orders, score_chosen } of lines) {
      expect(score_chosen).toBeCloseTo((orders[0] + orders[1]) / 2, 12);
    }
  });

  it.skipIf(!existsSync(natural))('runs on LLMBar, cut to fit', async () => {
    const argv = [
      'eval',
      '--model',
      model,
      '--data',
      natural,
      '--format',
      'llmbar',
      '--limit',
      '5',
      '--json',
    ];
    const refused = await gram(argv);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/needs \d+ tokens and 512 are allowed; .*--overlong truncate\n$/);
    const { status, stdout, stderr } = await gram([...argv, '--overlong', 'truncate']);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pairs: 5 });
  });
});

describe('gram score and gram rank', () => {
  const question = ['--prompt', 'Add 2 and 3.'];

  it('give the same probability for a pair', async () => {
    const scored = await gram(['score', '--model', model, ...question, '--a', '5', '--b', 'six', '--json']);
    expect(scored.status, scored.stderr).toBe(0);
    const { probability, orders, consistent } = JSON.parse(scored.stdout);
    expect(probability).toBeCloseTo((orders[0] + orders[1]) / 2, 12);
    expect(typeof consistent).toBe('boolean');
    const swapped = await gram(['score', '--model', model, ...question, '--a', 'six', '--b', '5', '--json']);
    expect(JSON.parse(swapped.stdout).probability).toBeCloseTo(1 - probability, 6);

    const ranked = await gram([
      'rank',
      '--model',
      model,
      ...question,
      '--response',
      '5',
      '--response',
      'six',
      '--json',
    ]);
    expect(ranked.status, ranked.stderr).toBe(0);
    const { ranking } = JSON.parse(ranked.stdout);
    expect(ranking[0].score).toBeCloseTo(Math.max(probability, 1 - probability), 6);
    expect(ranking.map(({ rank }: { rank: number }) => rank)).toEqual([1, 2]);
  });

  it('print text, and read responses from a file', async () => {
    const scored = await gram(['score', '--model', model, ...question, '--a', '5', '--b', '6']);
    expect(scored.stdout).toMatch(/a shown first[\s\S]*b shown first[\s\S]*mean[\s\S]*(is better|a tie)/);
    const file = shop.path('responses.jsonl');
    writeFileSync(file, ['5', 'five', '6'].map((response) => JSON.stringify({ response })).join('\n'));
    const ranked = await gram(['rank', '--model', model, ...question, '--responses', file]);
    expect(ranked.status, ranked.stderr).toBe(0);
    expect(ranked.stdout.trimEnd().split('\n')).toHaveLength(5);
  });
});

describe('bad input', () => {
  const broken: [string, () => string[], RegExp][] = [
    ['a missing data file', () => evalOf(shop.path('absent.jsonl')), /cannot find .*absent\.jsonl/],
    [
      'a broken line',
      () => evalOf(written('broken.jsonl', 2, () => '{"prompt": "x", ')),
      /broken\.jsonl line 3 is not JSON/,
    ],
    [
      'a record without a field',
      () =>
        evalOf(
          written('lacking.jsonl', 4, (line) => JSON.stringify({ ...JSON.parse(line), chosen: undefined })),
        ),
      /field "chosen" of .*lacking\.jsonl line 5/,
    ],
    ['an empty file', () => evalOf(written('empty.jsonl', -1, () => '')), /there are no pairs/],
    [
      'a pair that does not fit',
      () =>
        evalOf(
          written('long.jsonl', 1, (line) =>
            JSON.stringify({ ...JSON.parse(line), id: 'huge', chosen: 'x y '.repeat(999) }),
          ),
        ),
      /record "huge" needs \d+ tokens .*--overlong truncate/,
    ],
    [
      'tensors that do not match',
      () => evalOf(data, changed('config.json', '"intermediate_size": 48', '"intermediate_size": 64')),
      /tensors .*wrong shape/,
    ],
    [
      'a label of several tokens',
      () => evalOf(data, changed('tokenizer.json', '"A":', '"not A":')),
      /the label "A" is 0 tokens/,
    ],
    [
      'a model that 4 bits cannot hold',
      () => [...evalOf(data), '--precision', 'int4'],
      /model\.layers\.0\.mlp\.down_proj\.weight: .*48.*32/,
    ],
    ['a folder that is no model', () => evalOf(data, shop.directory), /config\.json/],
    [
      'one response to rank',
      () => ['rank', '--model', model, '--prompt', 'x', '--response', 'y'],
      /1 responses to rank/,
    ],
  ];

  it.each(broken)('%s gives one line and nothing half-written', async (_name, argv, message) => {
    const words = argv();
    const before = readdirSync(shop.directory);
    const out = words[0] === 'eval' ? ['--out', shop.path('never.jsonl')] : [];
    const { status, stdout, stderr } = await gram([...words, ...out]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^(data: [^\n]*\n)*gram: [^\n]*; [^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect(readdirSync(shop.directory)).toEqual(before);
  });

  it('an unwritable --out leaves nothing', async () => {
    const { status, stderr } = await gram([
      ...evalOf(data),
      '--limit',
      '2',
      '--out',
      shop.path('no/such/out.jsonl'),
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/gram: .*out\.jsonl could not be written \(ENOENT\)/);
  });

  it('an interrupted evaluation writes nothing', async () => {
    const out = shop.path('interrupted.jsonl');
    const { status, stdout, stderr } = await gram([...evalOf(data), '--out', out], {
      signal: AbortSignal.abort(),
    });
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toMatch(/^gram: interrupted; .*$/m);
    expect(existsSync(out)).toBe(false);
  });

  const evalOf = (file: string, directory = model) => ['eval', '--model', directory, '--data', file];

  /** The pairs with one line changed; an index of -1 gives an empty file. */
  function written(name: string, at: number, change: (line: string) => string): string {
    const lines = readFileSync(data, 'utf8').trimEnd().split('\n');
    const text = at < 0 ? '' : lines.map((line, index) => (index === at ? change(line) : line)).join('\n');
    writeFileSync(shop.path(name), text);
    return shop.path(name);
  }

  /** A copy of the model with one text replaced in one file. */
  function changed(file: string, from: string, to: string): string {
    const copy = shop.path(`changed-${file}`);
    cpSync(model, copy, { recursive: true });
    const text = readFileSync(`${copy}/${file}`, 'utf8');
    expect(text).toContain(from);
    writeFileSync(`${copy}/${file}`, text.replace(from, to));
    return copy;
  }
});
