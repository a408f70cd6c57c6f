import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJsonl } from '@gram/data';
import { type createPairEncoder, readJudgePrompt } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { saveHubModel } from '../__fixtures__/hub-model.js';
import { gram } from '../__fixtures__/run.js';
import { main } from '../main.js';

/** The ids of every judging prompt that any command fed to a model, in order. */
const fed = vi.hoisted(() => ({ ids: [] as (readonly number[])[] }));

vi.mock('@gram/tokenize', async (original) => {
  const real = await original<typeof import('@gram/tokenize')>();
  return {
    ...real,
    async createPairEncoder(options: Parameters<typeof createPairEncoder>[0]) {
      const encoder = await real.createPairEncoder(options);
      return {
        ...encoder,
        async comparison(record: Parameters<typeof encoder.comparison>[0]) {
          const encoded = await encoder.comparison(record);
          fed.ids.push(encoded.ids);
          return encoded;
        },
        async comparisons(...given: Parameters<typeof encoder.comparisons>) {
          const encoded = await encoder.comparisons(...given);
          fed.ids.push(...encoded.flatMap((order) => (order === undefined ? [] : [order.ids])));
          return encoded;
        },
      };
    },
  };
});

const root = mkdtempSync(join(tmpdir(), 'gram-adapt-judge-'));
afterAll(() => rmSync(root, { recursive: true }));
const path = (name: string) => join(root, name);

/** A prompt of the judge's own, with another task and other markers than those that gram knows. */
const promptText = `Which summary of the text is more faithful to it? Say A or B.

<<Text>>
{question}

<<Summary 1>>
{answer_a}

<<Summary 2>>
{answer_b}

<<Verdict>> `;

const world = createWorld({ seed: 8 });
const pairs = world.adaptationPairs('summary', 'train', 24);
const [item] = world.adaptationPairs('summary', 'test', 1);
if (item === undefined) throw new Error('the world has no item');
const { prompt, chosen, rejected } = item;

const tokenizer = await saveHubModel(path('judge'), [...world.corpus(100), promptText]);

/** The text of the item in one order, written by hand: what the judge was trained on. */
const written = (a: string, b: string) =>
  `<|im_start|>user\n${promptText
    .replace('{question}', () => `${prompt}`)
    .replace('{answer_a}', () => a)
    .replace('{answer_b}', () => b)}<|im_end|>\n<|im_start|>assistant\n`;

/** The ids of the item in both orders. */
let expected: (readonly number[])[];
const sorted = (all: readonly (readonly number[])[]) => [...new Set(all.map((ids) => ids.join(' ')))].sort();

beforeAll(async () => {
  writeFileSync(path('prompt.txt'), `${promptText}\n`);
  await writeJsonl(path('pairs.jsonl'), pairs);
  await writeJsonl(path('item.jsonl'), [item]);
  writeFileSync(
    path('config.yaml'),
    `stage: finetune
data: { path: pairs.jsonl }
validation: { path: item.jsonl }
init: { model: judge, judgePrompt: prompt.txt }
lora: { rank: 4, alpha: 8 }
maxLength: 512
optimizer: { learningRate: 3e-3, batchSize: 8, epochs: 2 }
output: out
`,
  );
  expected = await Promise.all([
    tokenizer.encodeTemplate(written(`${chosen}`, `${rejected}`)),
    tokenizer.encodeTemplate(written(`${rejected}`, `${chosen}`)),
  ]);
});
beforeEach(() => {
  fed.ids = [];
});

describe('a judge of others with a prompt of its own', () => {
  it('is adapted with the ids that it was trained on', async () => {
    const { status, stderr } = await gram(['finetune', '--config', path('config.yaml')]);
    expect(status, stderr).toBe(0);
    // The held-out item comes last.
    expect(sorted(fed.ids.slice(-2))).toEqual(sorted(expected));
    const metadata = JSON.parse(readFileSync(path('out/model/gram.json'), 'utf8'));
    expect(metadata).toMatchObject({
      kind: 'generative',
      chat: expect.stringMatching(/^template/),
      judgePrompt: metadata.prompt.id,
    });
    expect(metadata.prompt).toEqual(JSON.parse(JSON.stringify(await readJudgePrompt(path('prompt.txt')))));
    // From here on the model alone says how it is asked.
    rmSync(path('prompt.txt'));
  });

  it('is merged into a judge that is asked in the same way', async () => {
    const merged = await gram(['merge', path('judge'), path('out/adapter'), path('merged')]);
    expect(merged.status, merged.stderr).toBe(0);
    const [left, right] = ['merged', 'out/model'].map((model) =>
      JSON.parse(readFileSync(path(`${model}/gram.json`), 'utf8')),
    );
    expect(left).toEqual(right);
  });

  it.each(['out/model', 'merged'])('is evaluated with the same ids: %s', async (model) => {
    const evaluated = await gram(['eval', '--model', path(model), '--data', path('item.jsonl'), '--json']);
    expect(evaluated.status, evaluated.stderr).toBe(0);
    expect(sorted(fed.ids)).toEqual(sorted(expected));
  });

  it('is scored and served with the same ids, and with the same result', async () => {
    const flags = ['--prompt', `${prompt}`, '--a', `${chosen}`, '--b', `${rejected}`, '--json'];
    const scored = await gram(['score', '--model', path('merged'), ...flags]);
    expect(scored.status, scored.stderr).toBe(0);
    expect(sorted(fed.ids)).toEqual(sorted(expected));
    const answer = await served(path('merged'));
    // A server tries its model before it listens; the item comes last.
    expect(sorted(fed.ids.slice(-2))).toEqual(sorted(expected));
    expect(answer.probability).toBe(JSON.parse(scored.stdout).probability);
  });
});

/** Asks a server of the model for the item. */
async function served(model: string): Promise<{ readonly probability: number }> {
  const stop = new AbortController();
  let onUrl: (url: string) => void = () => {};
  const printed = new Promise<string>((resolve) => {
    onUrl = resolve;
  });
  const ended = main(['serve', '--model', model, '--port', '0'], {
    stdout: { write: (text) => onUrl(text) },
    stderr: { write: () => true } as unknown as NodeJS.WriteStream,
    signal: stop.signal,
  });
  try {
    const url = `${await Promise.race([printed, ended])}`.trimEnd();
    const response = await fetch(`${url}/v1/compare`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ pairs: [{ prompt, a: chosen, b: rejected }] }),
    });
    const { results } = (await response.json()) as { results: [{ probability: number }] };
    return results[0];
  } finally {
    stop.abort();
    await ended;
  }
}
