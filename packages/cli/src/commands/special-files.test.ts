import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
const pipe = (name: string) => {
  spawnSync('mkfifo', [shop.path(name)]);
  return shop.path(name);
};

beforeAll(async () => {
  shop = await judgeWorkshop();
});
afterAll(() => shop.remove());

// A pipe without a writer would be waited for, a device read until memory ends.
describe.skipIf(process.platform === 'win32')('what is not a regular file', () => {
  it.each(['yaml', 'mjs'])(
    'is refused as the configuration (.%s)',
    async (ending) => {
      for (const path of ['/dev/zero', pipe(`pipe.${ending}`), shop.directory]) {
        const { status, stderr } = await gram(['finetune', '--config', path]);
        expect(status).toBe(1);
        expect(stderr).toContain(path);
      }
    },
    10_000,
  );

  it.each(['tokenizer.json', 'config.json', 'gram.json', 'model.safetensors', 'chat_template.jinja'])(
    'is refused as %s of a model',
    async (name) => {
      const model = shop.path(`with-${name}`);
      cpSync(shop.path('out/model'), model, { recursive: true });
      rmSync(`${model}/${name}`, { force: true });
      pipe(`with-${name}/${name}`);
      const { status, stderr } = await gram([
        'score',
        ...['--model', model, '--prompt', 'Hi', '--a', 'a', '--b', 'b'],
      ]);
      expect(stderr).toContain(name);
      expect(status).toBe(1);
    },
    10_000,
  );

  it('is refused as data', async () => {
    for (const path of ['/dev/zero', pipe('pipe.jsonl')]) {
      const { status, stderr } = await gram(['eval', '--model', shop.path('out/model'), '--data', path]);
      expect(status).toBe(1);
      expect(stderr).toContain(path);
    }
  }, 10_000);
});

it('answers at once where a new model cannot fit the machine', async () => {
  const sizes = ['hiddenSize=65536', 'intermediateSize=65536', 'numHiddenLayers=500'];
  const sets = sizes.flatMap((size) => ['--set', `init.scratch.${size}`]);
  const argv = ['finetune', '--config', shop.path('config.yaml'), '--set', `output=${shop.path('big')}`];
  const { status, stderr } = await gram([...argv, ...sets]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/takes about [\d.]+ GB of memory, and .* has [\d.]+ GB; lower hiddenSize/);
}, 15_000);
