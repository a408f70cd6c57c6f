import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
/** Fine-tunes an adapter of the model that `beforeAll` trained. */
const finetune = (output: string, sets: readonly string[], ...argv: string[]) => {
  const start = ['init.scratch=', `init.model=${shop.path('out/model')}`, 'lora.rank=4', 'lora.alpha=8'];
  const all = [...start, ...sets, `output=${shop.path(output)}`];
  return gram([
    'finetune',
    '--config',
    shop.path('config.yaml'),
    ...all.flatMap((set) => ['--set', set]),
    ...argv,
  ]);
};
beforeAll(async () => {
  shop = await judgeWorkshop();
});
afterAll(() => shop.remove());

describe('gram finetune of an adapter', () => {
  it('leaves the adapter, and the model with the adapter merged into it', async () => {
    const { status, stdout, stderr } = await finetune('adapted', ['lora.dropout=0.1']);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/parameters, [\d,]+ of an adapter are trained/);
    expect(stdout).toBe(`${shop.path('adapted/model')}\n`);
    const config = JSON.parse(readFileSync(shop.path('adapted/adapter/adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: 4,
      base_model_name_or_path: shop.path('out/model'),
    });
    const pair = ['--prompt', 'Add 2 and 3.', '--a', '5', '--b', '6', '--json'];
    const merged = await gram(['score', '--model', shop.path('adapted/model'), ...pair]);
    const converted = await gram([
      'convert',
      shop.path('out/model'),
      shop.path('again'),
      '--adapter',
      shop.path('adapted/adapter'),
    ]);
    expect(converted.status, converted.stderr).toBe(0);
    const again = await gram(['score', '--model', shop.path('again'), ...pair]);
    expect(JSON.parse(merged.stdout)).toEqual(JSON.parse(again.stdout));
    const before = await gram(['score', '--model', shop.path('out/model'), ...pair]);
    expect(JSON.parse(before.stdout).probability).not.toBe(JSON.parse(merged.stdout).probability);
  });

  it.each([
    ['finetune', [], 'generative'],
    ['bradley-terry', ['stage=bradley-terry'], 'discriminative'],
  ])('of %s over a language model is merged into what it was trained to be', async (stage, sets, kind) => {
    const [plain, output] = [shop.path(`plain-${stage}`), shop.path(`adapted-${stage}`)];
    cpSync(shop.path('out/model'), plain, { recursive: true });
    const { chat, maxLength } = JSON.parse(readFileSync(join(plain, 'gram.json'), 'utf8'));
    writeFileSync(join(plain, 'gram.json'), JSON.stringify({ format: 1, kind: 'policy', chat, maxLength }));
    const prompt = stage === 'finetune' ? ['init.judgePrompt=gram-compact-1'] : [];
    const trained = await gram([
      stage,
      '--config',
      shop.path('config.yaml'),
      ...[
        ...sets,
        ...prompt,
        'init.scratch=',
        `init.model=${plain}`,
        'lora.rank=4',
        'lora.alpha=8',
        `output=${output}`,
      ].flatMap((set) => ['--set', set]),
    ]);
    expect(trained.status, trained.stderr).toBe(0);
    const merged = shop.path(`merged-${stage}`);
    const merge = await gram(['merge', plain, join(output, 'adapter'), merged]);
    expect(merge.status, merge.stderr).toBe(0);
    // The run has left the same model: file by file.
    const names = readdirSync(join(output, 'model')).sort();
    expect(readdirSync(merged).sort()).toEqual(names);
    expect(JSON.parse(readFileSync(join(merged, 'gram.json'), 'utf8')).kind).toBe(kind);
    for (const name of names) {
      const [a, b] = [merged, join(output, 'model')].map((dir) => readFileSync(join(dir, name)));
      if (name === 'gram.json') expect(JSON.parse(String(a))).toEqual(JSON.parse(String(b)));
      else expect(a!.equals(b!), name).toBe(true);
    }
    const twice = await gram(['merge', merged, join(output, 'adapter'), shop.path('twice')]);
    expect(twice.status).toBe(1);
    expect(twice.stderr).toContain('is already merged into');
    const other = await gram([
      'merge',
      shop.path('adapted/model'),
      join(output, 'adapter'),
      shop.path('other'),
    ]);
    expect(other.status).toBe(1);
    expect(other.stderr).toContain('was trained over other weights than those of');
  });

  it('resumed from a checkpoint, ends with the same bytes', async () => {
    const sets = ['lora.dropout=0.1', 'checkpointEvery=2', 'keepCheckpoints=9'];
    expect((await finetune('whole', sets)).status).toBe(0);
    const checkpoint = join(shop.path('whole'), 'checkpoint-0000004');
    expect(readdirSync(checkpoint).sort()).toEqual([
      'adapter',
      'manifest.json',
      'moments.safetensors',
      'training.json',
    ]);
    const resumed = await finetune('whole-again', sets, '--resume', checkpoint);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain('going on after step 4');
    for (const file of ['adapter/adapter_model.safetensors', 'model/model.safetensors']) {
      const [a, b] = ['whole', 'whole-again'].map((run) => readFileSync(shop.path(join(run, file))));
      expect(a!.equals(b!), file).toBe(true);
    }
  });

  it('is refused where there is nothing to adapt, or with another rank than the checkpoint', async () => {
    const scratch = await gram([
      'finetune',
      '--config',
      shop.path('config.yaml'),
      '--set',
      'lora.rank=4',
      '--set',
      'output=no',
    ]);
    expect(scratch.status).toBe(1);
    expect(scratch.stderr).toMatch(/^gram: .*lora needs init\.model/);
    const checkpoint = join(shop.path('whole'), 'checkpoint-0000004');
    const other = await finetune('other', ['lora.rank=2'], '--resume', checkpoint, '--dry-run');
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(/^gram: .*holds an adapter of another kind; resume with the lora section/);
  });
});
