import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonl } from '@gram/data';
import { bestStep } from '@gram/run';
import { type TrainingRecord, trainingMetrics } from '@gram/train';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
const pace = ['optimizer.epochs=8', 'optimizer.learningRate=2e-2', 'checkpointEvery=4', 'keepCheckpoints=1'];
const finetune = (output: string, sets: readonly string[], ...argv: string[]) => {
  const all = [...pace, 'validation.path=held-out.jsonl', ...sets, `output=${output}`];
  return gram([
    'finetune',
    '--config',
    shop.path('config.yaml'),
    ...all.flatMap((set) => ['--set', set]),
    ...argv,
  ]);
};
const bytes = (path: string) => readFileSync(shop.path(path));
const history = (output: string): TrainingRecord[] =>
  bytes(`${output}/metrics.jsonl`)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const bestOf = (output: string) => bestStep(history(output), trainingMetrics)!;
const checkpoint = (step: number) => `checkpoint-${String(step).padStart(7, '0')}`;
const same = (a: string, b: string) => expect(bytes(a).equals(bytes(b)), `${a} and ${b}`).toBe(true);

beforeAll(async () => {
  shop = await workshop();
  // Of another world, so that what is learned by heart is of no use; and three that are trained on.
  const lines = bytes('pairs.jsonl').toString().trimEnd().split('\n');
  const prompts = lines.map((line) => JSON.parse(line).prompt);
  const others = createWorld({ seed: 77 })
    .labeledPairs(60)
    .filter(({ prompt }) => !prompts.includes(prompt));
  await writeJsonl(shop.path('held-out.jsonl'), others.slice(0, 21));
  const known = lines.slice(0, 3);
  writeFileSync(shop.path('held-out.jsonl'), `${bytes('held-out.jsonl')}${known.join('\n')}\n`);
});
afterAll(() => shop.remove());

describe('gram finetune with held-out data', () => {
  it('keeps the best checkpoint beside the newest, and ends with its weights', async () => {
    const { status, stderr } = await finetune('best', []);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('held out: 24 examples, 3 of them with a prompt that is trained on');
    expect(stderr).toMatch(/step 4, held-out data: loss [\d.]+, accuracy [\d.]+/);
    const steps = history('best');
    expect(steps.map(({ validation }) => validation !== undefined)).toEqual(
      steps.map(({ step }) => step % 4 === 0),
    );
    const best = bestOf('best');
    // What this test is about: the run goes on after its best step.
    expect(best).toBeLessThan(36);
    expect(stderr).toContain(`the model is that of step ${best}, the best on held-out data`);
    const kept = readdirSync(shop.path('best')).filter((name) => name.startsWith('checkpoint-'));
    expect(kept).toEqual([best, 36].map(checkpoint));
    same('best/model/model.safetensors', `best/${checkpoint(best)}/model/model.safetensors`);
    const card = bytes('best/README.md').toString();
    expect(card).toContain(`The model is that of step ${best}. On 24 examples of \`held-out.jsonl\``);
    expect(card).toContain('3 have a prompt that was trained on');
    expect(bytes('best/report.html').toString()).toContain('held-out data');
  });

  it('resumed at the best step or after it, ends with the same bytes', async () => {
    for (const from of [bestOf('best'), 36]) {
      const resume = shop.path(`best/${checkpoint(from)}`);
      const output = `from-${from}`;
      const { status, stderr } = await finetune(output, [], '--resume', resume);
      expect(status, stderr).toBe(0);
      same(`${output}/model/model.safetensors`, 'best/model/model.safetensors');
      same(`${output}/metrics.jsonl`, 'best/metrics.jsonl');
    }
  });

  it('does the same for an adapter', async () => {
    const start = ['init.scratch=', 'init.model=best/model', 'lora.rank=8', 'lora.dropout=0.2', 'seed=6'];
    const { status, stderr } = await finetune('adapted', start);
    expect(status, stderr).toBe(0);
    const best = bestOf('adapted');
    expect(best).toBeLessThan(40);
    const file = 'adapter/adapter_model.safetensors';
    same(`adapted/${file}`, join('adapted', checkpoint(best), file));
  });

  it('says so where the best checkpoint is gone, and gives the last weights', async () => {
    const best = bestOf('best');
    rmSync(shop.path(`best/${checkpoint(best)}`), { recursive: true });
    const resume = shop.path(`best/${checkpoint(36)}`);
    const { status, stderr } = await finetune('gone', [], '--resume', resume);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(`step ${best} was the best on held-out data, but its checkpoint is gone`);
    expect(bytes('gone/model/model.safetensors').equals(bytes('best/model/model.safetensors'))).toBe(false);
    expect(bytes('gone/README.md').toString()).toContain('The model is that of step 40.');
  });

  it.each([
    ['validation.path=none.jsonl', /none\.jsonl/],
    ['validation.format=outputs', /validation\.format has no labels, which the stage finetune needs/],
    ['validation.paht=x', /validation\.paht.+validation\.path/],
  ])('refuses %s before anything is written', async (set, message) => {
    const { status, stderr } = await finetune('refused', [set]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(shop.path('refused'))).toBe(false);
  });
});
