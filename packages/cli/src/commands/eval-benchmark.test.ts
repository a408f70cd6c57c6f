import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
let model: string;
let data: string;
/** Groups of 128 comparisons: two whole ones and a rest. */
const ITEMS = 300;

beforeAll(async () => {
  shop = await judgeWorkshop();
  model = shop.path('out/model');
  data = shop.path('reward-bench.jsonl');
  const subsets = ['hep-go', 'math-prm', 'donotanswer'];
  const pairs = createWorld({ seed: 8 }).testPairs('in-distribution', ITEMS);
  await writeJsonl(
    data,
    pairs.map(({ prompt, chosen, rejected }, id) => ({
      id,
      subset: subsets[id % 3],
      prompt,
      chosen,
      rejected,
    })),
  );
});
afterAll(() => shop.remove());

const evalOf = (out: string, ...more: string[]) =>
  gram([
    'eval',
    '--model',
    model,
    '--benchmark',
    'reward-bench',
    '--data',
    data,
    '--out',
    shop.path(out),
    ...more,
  ]);
const read = (name: string) => readFileSync(shop.path(name), 'utf8');
const outputs = (out: string) =>
  ['items.jsonl', 'summary.json', 'report.html'].map((name) => read(`${out}/${name}`));

describe('gram eval --benchmark', () => {
  it('prints the scores in both versions and leaves items, summary and report', async () => {
    const { status, stdout, stderr } = await evalOf('straight');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^part +official weights +records pooled$/m);
    expect(stdout).toMatch(/^Reasoning +[\d.]+ % +[\d.]+ %$/m);
    expect(stdout).toMatch(/^all +[\d.]+ % +[\d.]+ % to [\d.]+ % +300$/m);
    const [items, summary, report] = outputs('straight') as [string, string, string];
    const lines = items
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(ITEMS + 1);
    expect(lines[0].fingerprint).toMatchObject({
      benchmark: 'reward-bench',
      items: ITEMS,
      precision: 'float32',
    });
    const right = lines.slice(1).filter(({ correct }) => correct === 1).length;
    expect(JSON.parse(summary)).toMatchObject({ items: ITEMS, comparisons: ITEMS, score: right / ITEMS });
    for (const word of ['Reliability', 'Length', 'donotanswer', '</html>']) expect(report).toContain(word);
  });

  it('goes on after Ctrl-C, to the same bytes', async () => {
    const controller = new AbortController();
    const argv = ['eval', '--model', model, '--benchmark', 'reward-bench', '--data', data];
    const stopped = await gram([...argv, '--out', shop.path('stopped')], {
      signal: controller.signal,
      onStderr: (text) => {
        if (/comparisons/.test(text)) controller.abort();
      },
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toMatch(
      /gram: interrupted after \d+ of 300 items; run the same command again to go on/,
    );
    const resumed = await evalOf('stopped');
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(outputs('stopped')).toEqual(outputs('straight'));
  });

  it('drops a line that was cut off, and the group that it belongs to', async () => {
    const lines = read('straight/items.jsonl').split('\n');
    for (const [name, text] of [
      ['torn-header', lines[0]!.slice(0, 20)],
      ['torn-first', `${lines.slice(0, 129).join('\n')}\n${lines[129]!.slice(0, 30)}`],
      ['torn-second', `${lines.slice(0, 200).join('\n')}\n${lines[200]}`],
    ] as const) {
      mkdirSync(shop.path(name));
      writeFileSync(shop.path(`${name}/items.jsonl`), text);
      const { status, stderr } = await evalOf(name);
      expect(status, stderr).toBe(0);
      if (name !== 'torn-header') expect(stderr).toContain('going on after 128 of 300 items');
      expect(outputs(name), name).toEqual(outputs('straight'));
    }
  });

  it('writes summary and report anew from whole results without judging again', async () => {
    const before = outputs('straight');
    truncateSync(shop.path('straight/summary.json'), 10);
    const { status, stderr } = await evalOf('straight');
    expect([status, stderr]).toEqual([0, '']);
    expect(outputs('straight')).toEqual(before);
  });

  it('refuses results of something else with one line', async () => {
    const before = outputs('straight');
    const other = await evalOf('straight', '--overlong', 'truncate', '--limit', '20');
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(
      /^gram: .*items\.jsonl holds results of a run that differs in: items, data, long text; /,
    );
    expect(outputs('straight')).toEqual(before);
    mkdirSync(shop.path('strange'));
    writeFileSync(shop.path('strange/items.jsonl'), '{"id": "0", "correct": true}\n');
    expect((await evalOf('strange')).stderr).toMatch(/^gram: .* holds no results of gram eval --benchmark; /);
    mkdirSync(shop.path('broken'));
    const lines = read('straight/items.jsonl').split('\n');
    lines[3] = lines[3]!.replace(/"probability":[\d.]+/, '"probability":"high"');
    writeFileSync(shop.path('broken/items.jsonl'), lines.join('\n'));
    expect((await evalOf('broken')).stderr).toMatch(
      /^gram: .*items\.jsonl line 4 is no result of this benchmark; /,
    );
  });

  it('refuses a model that does not fit before it reads one of its weights', async () => {
    const large = shop.path('large');
    mkdirSync(large);
    const config = JSON.parse(readFileSync(`${model}/config.json`, 'utf8'));
    const sizes = { num_hidden_layers: 1000, hidden_size: 16_384, intermediate_size: 65_536 };
    writeFileSync(`${large}/config.json`, JSON.stringify({ ...config, ...sizes }));
    const argv = ['eval', '--benchmark', 'reward-bench', '--data', data, '--out', shop.path('large-out')];
    const { status, stderr } = await gram([...argv, '--model', large]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^gram: opening .*large in float32 takes about .* of memory, and /);
    expect(existsSync(shop.path('large-out'))).toBe(false);
  });

  it('wants a folder and no format', async () => {
    const argv = ['eval', '--model', model, '--benchmark', 'hhh', '--data', data];
    expect(await gram(argv)).toMatchObject({ status: 2, stderr: expect.stringContaining('add --out DIR') });
    const both = await gram([...argv, '--out', shop.path('never'), '--format', 'preference']);
    expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining('leave out --format') });
    const named = await gram(argv.map((word) => (word === 'hhh' ? 'rm-bensh' : word)));
    expect(named).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean rm-bench?') });
  });

  const real = fileURLToPath(new URL('../../../../../shared/data/rm-bench', import.meta.url));
  it.skipIf(!existsSync(real))('runs RM-Bench, with its matrix in the report', async () => {
    const argv = ['eval', '--model', model, '--benchmark', 'rm-bench', '--data', real, '--limit', '3'];
    const { status, stdout, stderr } = await gram([
      ...argv,
      '--overlong',
      'truncate',
      '--out',
      shop.path('rm'),
      '--json',
    ]);
    expect(status, stderr).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ items: 3, comparisons: 27 });
    // A share of each subset: the three largest have one item each.
    expect(Object.keys(found.subsets)).toHaveLength(3);
    expect(read('rm/report.html')).toContain('markdown');
  });
});

describe('gram compare', () => {
  it('tests two models on the same items', async () => {
    const lines = read('straight/items.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    // The other model has ten more items right.
    let gained = 0;
    const better = lines.map((line) =>
      line.correct === 0 && gained++ < 10 ? { ...line, correct: 1 } : line,
    );
    await writeJsonl(shop.path('better.jsonl'), better);
    const argv = ['compare', shop.path('better.jsonl'), shop.path('straight/items.jsonl')];
    const { status, stdout, stderr } = await gram([...argv, '--json']);
    expect(status, stderr).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ items: ITEMS, onlyFirst: 10, onlySecond: 0, pValue: 2 ** -9 });
    expect(found.difference).toBeCloseTo(10 / ITEMS, 12);
    expect(found.interval[0]).toBeGreaterThan(0);
    expect((await gram(argv)).stdout).toMatch(/^p-value +0\.00195 /m);
  });

  it('takes the results of pairs too', async () => {
    const out = shop.path('pairs-results.jsonl');
    const { status, stderr } = await gram([
      'eval',
      '--model',
      model,
      '--data',
      shop.path('pairs.jsonl'),
      '--out',
      out,
    ]);
    expect(status, stderr).toBe(0);
    const { stdout } = await gram(['compare', out, out, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ items: 40, difference: 0, pValue: 1 });
  });

  it('refuses other items and files that are no results, in one line', async () => {
    const items = shop.path('straight/items.jsonl');
    const [header, ...lines] = read('straight/items.jsonl').trimEnd().split('\n');
    const written = (name: string, ...text: string[]) => {
      writeFileSync(shop.path(name), '');
      appendFileSync(shop.path(name), text.join('\n'));
      return shop.path(name);
    };
    const cases: [string, RegExp][] = [
      [
        written('other.jsonl', header!.replace(/"data":"./, '"data":"g'), ...lines),
        /results of different items/,
      ],
      [written('fewer.jsonl', header!, ...lines.slice(1)), /299 results to compare with 300/],
      [written('order.jsonl', header!, ...lines.toReversed()), /result 1 is of item /],
      [written('none.jsonl', header!), /0 results to compare with 300/],
      [
        written('wrong.jsonl', header!, '{"id":"a","correct":2}'),
        /"correct" of .*wrong\.jsonl line 2 is not true, /,
      ],
      [shop.path('absent.jsonl'), /cannot find .*absent\.jsonl/],
    ];
    for (const [path, message] of cases) {
      const { status, stdout, stderr } = await gram(['compare', items, path]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
      expect(stderr).toMatch(message);
    }
  });
});

describe('gram eval --attacks', () => {
  it('prints how often each attack wins', async () => {
    const pairs = ['--data', shop.path('pairs.jsonl'), '--limit', '6', '--overlong', 'truncate'];
    const argv = ['eval', '--model', model, ...pairs, '--attacks'];
    const { status, stdout, stderr } = await gram([...argv, '--json', '--out', shop.path('attacks.jsonl')]);
    expect(status, stderr).toBe(0);
    const { attacks } = JSON.parse(stdout);
    expect(attacks.map(({ name }: { name: string }) => name)).toContain('instruction to the judge');
    expect(read('attacks.jsonl').trimEnd().split('\n')).toHaveLength(attacks.length);
    expect(read('attacks.html')).toContain('instruction to the judge');
    const one = await gram([...argv, '--json', '--attack', 'prompt again']);
    expect(JSON.parse(one.stdout).attacks).toMatchObject([{ name: 'prompt again', pairs: 6 }]);
    expect((await gram(argv)).stdout).toMatch(/^prompt again +[\d.]+ % +[\d.]+ % to [\d.]+ % /m);
    const unknown = await gram([...argv, '--attack', 'promt again']);
    expect(unknown).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean prompt again'),
    });
    const both = await evalOf('never', '--attacks');
    expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining('takes no attacks') });
  });

  it('knows the delimiters of a judging prompt from a file', async () => {
    const file = shop.path('own-prompt.txt');
    writeFileSync(file, '[Q]\n{question}\n\n[A]\n{answer_a}\n\n[B]\n{answer_b}\n\n[Verdict] ');
    const pairs = ['--data', shop.path('pairs.jsonl'), '--limit', '2', '--overlong', 'truncate'];
    const argv = ['eval', '--model', model, ...pairs, '--judge-prompt', file, '--json'];
    const { attacks } = JSON.parse((await gram([...argv, '--attacks'])).stdout);
    const own = attacks.filter(({ name }: { name: string }) => name.startsWith('delimiters of text-'));
    expect(own).toMatchObject([{ neutralized: 2 }, { neutralized: 2 }]);
    const one = await gram([...argv, '--attack', own[1].name]);
    expect(JSON.parse(one.stdout).attacks).toMatchObject([{ name: own[1].name, pairs: 2 }]);
  });
});
