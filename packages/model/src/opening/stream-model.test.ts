import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/base';
import { float32 } from '@gram/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel, saveModel } from '../directory/model-directory.js';
import { initAdapter } from '../lora/adapter.js';
import { saveAdapter } from '../lora/adapter-directory.js';
import { decoderHash } from '../lora/adapter-notes.js';
import { applyAdapter, applyAdapterToSave } from '../lora/apply-adapter.js';
import { streamModel, weightsOf } from './stream-model.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const model = at('../__fixtures__/qwen2');
const weightsIn = (directory: string) => readFile(join(directory, 'model.safetensors'));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-stream-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('streamModel', () => {
  it.each(['../__fixtures__/qwen2', '../__fixtures__/qwen3-sharded-bf16', '../gguf/__fixtures__/llama.gguf'])(
    'of %s is the model that is loaded, and reads each weight when it is asked for',
    async (path) => {
      const loaded = await loadModel(at(path));
      const { weights, ...rest } = await streamModel(at(path));
      const { weights: expected, ...others } = loaded;
      expect(rest).toEqual(others);
      expect({ ...(await weightsOf(weights)) }).toEqual({ ...expected });
      const [name] = Object.keys(weights);
      const read = weights[name!]!;
      if (!('make' in read)) throw new Error('it was in memory');
      expect(await read.make()).not.toBe(await read.make());
    },
  );

  it('is saved with an adapter as the model in memory is, byte for byte', async () => {
    const base = await loadModel(model);
    const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'up_proj'] as const };
    const random = createRandom(1, 'adapter');
    const fresh = initAdapter(base.config, lora, base.weights, random);
    const weights = Object.fromEntries(
      Object.entries(fresh).map(([name, { shape, data }]) => [
        name,
        float32(
          shape,
          data.map(() => random.normal()),
        ),
      ]),
    );
    const adapter = join(root, 'adapter');
    await saveAdapter(adapter, { lora, weights }, base.config, { base: decoderHash(base.weights) });
    const [whole, streamed] = [join(root, 'whole'), join(root, 'streamed')];
    await saveModel(whole, (await applyAdapter({ model: base, files: {} }, adapter)).model);
    const merged = await applyAdapterToSave({ model: await streamModel(model), files: {} }, adapter);
    await saveModel(streamed, merged.model);
    expect((await weightsIn(streamed)).equals(await weightsIn(whole))).toBe(true);
    expect((await weightsIn(streamed)).equals(await weightsIn(model))).toBe(false);
    expect(await readFile(join(streamed, 'config.json'))).toEqual(await readFile(join(whole, 'config.json')));
  });

  it('refuses what is not finite when it comes to it, and leaves nothing behind', async () => {
    const broken = join(root, 'broken');
    const { config, weights } = await loadModel(model);
    await saveModel(broken, { config, weights });
    const bytes = await weightsIn(broken);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    await writeFile(join(broken, 'model.safetensors'), bytes);
    const streamed = await streamModel(broken);
    const output = join(root, 'output');
    await expect(saveModel(output, streamed)).rejects.toMatchObject({
      code: 'bad-weights',
      message: expect.stringContaining('not finite'),
    });
    await expect(readFile(join(output, 'config.json'))).rejects.toThrow('ENOENT');
  });
});
