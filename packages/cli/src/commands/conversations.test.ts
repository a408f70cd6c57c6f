import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeJsonl } from '@gram/data';
import { judgePrompt } from '@gram/tokenize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;

const messages = [
  { role: 'system', content: 'Answer with a number.' },
  { role: 'user', content: 'Add 2 and 3.' },
  { role: 'assistant', content: '5' },
  { role: 'user', content: 'Add 1 more.' },
];

beforeAll(async () => {
  shop = await judgeWorkshop();
  await writeJsonl(shop.path('prompt.jsonl'), [{ messages }]);
  await writeJsonl(shop.path('two.jsonl'), [{ prompt: messages }, { prompt: 'p' }]);
  await writeJsonl(shop.path('responses.jsonl'), [
    { response: '6' },
    { response: [{ role: 'assistant', content: '7' }] },
  ]);
});
afterAll(() => shop.remove());

const model = () => ['--model', shop.path('out/model')];
const prompt = () => ['--prompt-file', shop.path('prompt.jsonl')];

describe('prompts that are conversations', () => {
  it('are scored as pairs of the same turns are', async () => {
    const scored = await gram(['score', ...model(), ...prompt(), '--a', '6', '--b', '7', '--json']);
    expect(scored.status, scored.stderr).toBe(0);
    const fromFile = await gram([
      ...['score', ...model(), ...prompt()],
      ...['--responses', shop.path('responses.jsonl'), '--json'],
    ]);
    expect(fromFile.stdout).toBe(scored.stdout);
    await writeJsonl(shop.path('pairs-of-turns.jsonl'), [{ prompt: messages, chosen: '6', rejected: '7' }]);
    const out = shop.path('evaluated.jsonl');
    const data = ['--data', shop.path('pairs-of-turns.jsonl')];
    const evaluated = await gram(['eval', ...model(), ...data, '--out', out, '--json']);
    expect(evaluated.status, evaluated.stderr).toBe(0);
    expect(evaluated.stderr).toContain('data: recognized the format preference');
    expect(JSON.parse(evaluated.stdout)).toMatchObject({
      format: 'preference',
      records: { read: 1, kept: 1, dropped: {} },
      truncated: 0,
      neutralized: 0,
    });
    expect(JSON.parse(await readFile(out, 'utf8')).score_chosen).toBe(JSON.parse(scored.stdout).probability);
    // Earlier turns count: the last one alone has another score.
    const alone = await gram([
      'score',
      ...model(),
      '--prompt',
      'Add 1 more.',
      '--a',
      '6',
      '--b',
      '7',
      '--json',
    ]);
    expect(JSON.parse(alone.stdout).probability).not.toBe(JSON.parse(scored.stdout).probability);
  });

  it('are ranked, with the turns of the responses', async () => {
    const responses = ['--responses', shop.path('responses.jsonl')];
    const { status, stdout, stderr } = await gram(['rank', ...model(), ...prompt(), ...responses, '--json']);
    expect(status, stderr).toBe(0);
    const { ranking, ...rest } = JSON.parse(stdout);
    expect(ranking.map(({ response }: { response: unknown }) => response).sort()).toEqual(['6', '7']);
    expect(rest).toMatchObject({ comparisons: 1, truncated: false, neutralized: false });
  });

  it.each([
    [[], /gram score needs one prompt; give either --prompt TEXT or --prompt-file FILE/],
    [['--prompt', 'p', '--prompt-file', 'x.jsonl'], /gram score needs one prompt/],
    [['--prompt', 'p', '--responses', 'x.jsonl', '--a', 'a'], /gram score needs two responses/],
    [['--prompt', 'p', '--a', 'a'], /gram score needs two responses/],
  ])('are given once, and with two responses: %j', async (flags, message) => {
    const both = flags.includes('p') && !flags.includes('--prompt-file') ? [] : ['--a', 'a', '--b', 'b'];
    const { status, stderr } = await gram(['score', ...model(), ...flags, ...both]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('come from a file of one record', async () => {
    const file = ['--prompt-file', shop.path('two.jsonl')];
    const { status, stderr } = await gram(['score', ...model(), ...file, '--a', 'a', '--b', 'b']);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/two\.jsonl holds 2 prompts; give a file with one/),
    ]);
  });
});

describe('flags of what happened to the texts', () => {
  it('are in the text and in the JSON of score, rank and eval', async () => {
    const [mark = ''] = judgePrompt('gram-compact-1').markers;
    const pair = ['--prompt', 'Add 2 and 3.', '--a', mark, '--b', '6'];
    const scored = await gram(['score', ...model(), ...pair]);
    expect(scored.stdout).toContain('marks of the prompt in the texts were escaped');
    const responses = ['--response', mark, '--response', '6', '--response', '7'];
    const ranked = await gram(['rank', ...model(), '--prompt', 'Add 2 and 3.', ...responses]);
    expect(ranked.stdout).toContain('marks of the prompt in the texts were escaped');
    const json = await gram(['rank', ...model(), '--prompt', 'Add 2 and 3.', ...responses, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ truncated: false, neutralized: true });
    writeFileSync(
      shop.path('hostile.jsonl'),
      [mark, '5']
        .map((chosen) => JSON.stringify({ prompt: 'Add 2 and 3.', chosen, rejected: '6' }))
        .join('\n'),
    );
    const evaluated = await gram(['eval', ...model(), '--data', shop.path('hostile.jsonl')]);
    expect(evaluated.stdout).toContain('escaped marks    1 pairs');
    const attacked = await gram([
      'eval',
      ...model(),
      '--attacks',
      '--data',
      shop.path('hostile.jsonl'),
      '--json',
    ]);
    for (const attack of JSON.parse(attacked.stdout).attacks) {
      expect(attack).toMatchObject({ truncated: 0, neutralized: expect.any(Number) });
    }
  });
});
