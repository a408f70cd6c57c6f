import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { initWeights, type ModelConfig, saveModel } from '@gram/model';
import { judgePrompt, parseJudgePrompt, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram } from '../__fixtures__/run.js';

const root = mkdtempSync(join(tmpdir(), 'gram-judge-prompt-'));
afterAll(() => rmSync(root, { recursive: true }));

const compact = judgePrompt('gram-compact-1');

/** A compact prompt as JSON holds it, with some fields replaced; `undefined` removes one. */
const changed = (changes: Record<string, unknown>): unknown =>
  JSON.parse(JSON.stringify({ ...compact, ...changes }));

describe('the README', () => {
  it('shows a judging prompt in JSON', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const example: unknown = JSON.parse(/```json\n([\s\S]+?)```/.exec(readme)![1]!);
    expect(parseJudgePrompt(example, 'README')).toEqual({ ...compact, id: 'mine-1' });
  });
});

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 300,
  hiddenSize: 32,
  intermediateSize: 64,
  numHiddenLayers: 1,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 512,
  tieWordEmbeddings: true,
};

/** Writes the turns of {@link plainChat}. */
const chatTemplate = `{% for message in messages %}<|{{ message.role }}|>{{ message.content }}
{%- if message.role == 'assistant' %}<|end|>{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}`;

describe('--judge-prompt', () => {
  const [judge, plain, bare] = ['judge', 'plain', 'bare'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  const pair = ['--prompt', 'Add 2 and 3.', '--a', '5', '--b', 'six'];
  const score = (model: string, ...flags: string[]) =>
    gram(['score', '--model', model, ...pair, '--json', ...flags]);

  beforeAll(async () => {
    const random = createRandom(4, 'plain model');
    const weights = initWeights(config, { normal: () => 10 * random.normal() });
    const texts = ['the sum of two and three is five', compact.instruction];
    const { specialTokens } = plainChat;
    const tokenizerJson = tokenizerFromJson(trainBpe({ texts, vocabSize: 300, specialTokens })).json;
    const asked = { judgePrompt: compact.id, chat: plainChat.id, maxLength: 512 };
    await saveModel(judge, {
      config,
      weights,
      gram: { format: 1, kind: 'generative', ...asked },
      tokenizerJson,
    });
    await saveModel(plain, { config, weights, tokenizerJson, chatTemplate });
    await saveModel(bare, { config, weights, tokenizerJson });
  });

  it('asks a plain language model as its chat template and the prompt say, by id or from a file', async () => {
    const file = join(root, 'mine.json');
    writeFileSync(file, JSON.stringify(changed({ id: 'mine-1' })));
    const known = await score(judge);
    expect(known.status, known.stderr).toBe(0);
    const { orders } = JSON.parse(known.stdout);
    expect(orders[0]).not.toBeCloseTo(0.5, 2);
    for (const prompt of ['gram-compact-1', file]) {
      const { status, stdout, stderr } = await score(plain, '--judge-prompt', prompt);
      expect(status, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual(JSON.parse(known.stdout));
    }
    const text = join(root, 'mine.txt');
    writeFileSync(
      text,
      'Pick the better answer.\nQ:{question}\nanswer A:{answer_a}\nanswer B:{answer_b}\nBetter:\n',
    );
    expect(JSON.parse((await score(plain, '--judge-prompt', text)).stdout)).toEqual(JSON.parse(known.stdout));
    const other = await score(plain, '--judge-prompt', 'gram-eval-1', '--overlong', 'truncate');
    expect(other.status, other.stderr).toBe(1);
    expect(other.stderr).toMatch(/template/);
  });

  it('evaluates and ranks with one, and in 4 bits', async () => {
    const data = join(root, 'pairs.jsonl');
    writeFileSync(data, JSON.stringify({ prompt: 'Add 2 and 3.', chosen: '5', rejected: 'six' }));
    const flags = ['--judge-prompt', 'gram-compact-1', '--precision', 'int4', '--json'];
    const evaluated = await gram(['eval', '--model', plain, '--data', data, ...flags]);
    expect(evaluated.status, evaluated.stderr).toBe(0);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ pairs: 1, flips: { pairs: 1 } });
    const responses = ['--response', '5', '--response', 'six'];
    const ranked = await gram(['rank', '--model', plain, '--prompt', 'x', ...responses, ...flags]);
    expect(ranked.status, ranked.stderr).toBe(0);
    expect(JSON.parse(ranked.stdout).ranking).toHaveLength(2);
  });

  it.each<[string, () => string, number, RegExp]>([
    ['a missing one', () => '', 2, /plain has no gram\.json.*; .*--judge-prompt gram-eval-1\n$/],
    [
      'an unknown one',
      () => 'gram-9',
      1,
      /"gram-9" is neither .*; give gram-eval-1, gram-compact-1, or a file/,
    ],
    ['a folder', () => root, 1, /is neither a judging prompt nor a file/],
    ['a file that is no JSON', () => written('{'), 1, /cannot be read as JSON/],
    [
      'a file without a field',
      () => written(JSON.stringify(changed({ tail: undefined }))),
      1,
      /broken\.json: tail is missing; correct the judging prompt/,
    ],
    [
      'a file that is too large',
      () => written(JSON.stringify({ x: 'y'.repeat(1e6) })),
      1,
      /has \d+ bytes, and a judging/,
    ],
  ])('%s gives one line', async (_name, prompt, status, message) => {
    const value = prompt();
    const result = await score(plain, ...(value === '' ? [] : ['--judge-prompt', value]));
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
    expect(result.stderr).toMatch(message);
  });

  it('needs a chat template', async () => {
    const { status, stderr } = await score(bare, '--judge-prompt', 'gram-compact-1');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^gram: [^\n]*chat template[^\n]*; [^\n]*\n$/);
  });

  function written(text: string): string {
    writeFileSync(join(root, 'broken.json'), text);
    return join(root, 'broken.json');
  }
});
