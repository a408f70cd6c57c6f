import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, exportOnnx, int32 } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { parseConfig } from './config/parse-config.js';
import { weightShapes } from './config/weight-shapes.js';
import type { WeightTensors } from './decoder.js';
import { readJsonFile } from './files/json.js';
import { loadWeights, weightFiles } from './files/load-weights.js';
import { labelLogits } from './heads.js';
import { growingPositionArrays, type PositionTables } from './layers/position-tables.js';

const fixture = fileURLToPath(new URL('./__fixtures__/llama-tied-grouped', import.meta.url));

it('a scoring function is exported as a graph over the model file itself, and another runtime gives the same', async () => {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const folder = mkdtempSync(join(tmpdir(), 'gram-export-'));
  try {
    cpSync(fixture, folder, { recursive: true });
    const config = parseConfig((await readJsonFile(join(folder, 'config.json'), 1e6)) as never, folder);
    const score = (inputs: {
      weights: WeightTensors;
      tables: PositionTables;
      tokens: tf.Tensor2D;
      last: tf.Tensor1D;
    }) => ({
      logits: labelLogits(config, inputs.weights, inputs.tokens, inputs.last, [3, 5], inputs.tables),
    });
    const table = { dtype: 'float32', shape: ['P', config.headDim / 2] };
    const specs = {
      weights: Object.fromEntries(
        Object.entries(weightShapes(config)).map(([name, shape]) => [name, { dtype: 'float32', shape }]),
      ),
      tables: { keys: { cos: table, sin: table }, queries: { cos: table, sin: table } },
      tokens: { dtype: 'int32', shape: ['B', 'T'] },
      last: { dtype: 'int32', shape: ['B'] },
    };
    const files = Object.fromEntries(
      Object.entries(await weightFiles(folder, config)).map(([name, source]) => [`weights/${name}`, source]),
    );
    const path = join(folder, 'score.onnx');
    const { bytes, inputs } = await exportOnnx(score as never, specs, path, { files });
    expect(bytes).toBeLessThan(100_000);
    expect(inputs.some(({ name }) => name.startsWith('weights/'))).toBe(false);

    const weights = await loadWeights(folder, config);
    const tables = growingPositionArrays(config)(6);
    const tokens = int32([2, 6], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0]);
    const last = int32([2], [5, 4]);
    const compiled = compile(score);
    const { logits } = await compiled({ weights, tables, tokens, last });
    compiled.dispose();

    const session = await InferenceSession.create(path);
    const given: Record<string, InstanceType<typeof Tensor>> = {
      tokens: new Tensor('int32', tokens.data, [2, 6]),
      last: new Tensor('int32', last.data, [2]),
    };
    for (const kind of ['keys', 'queries'] as const) {
      for (const part of ['cos', 'sin'] as const) {
        const { data, shape } = tables[kind][part];
        given[`tables/${kind}/${part}`] = new Tensor('float32', data as Float32Array, [...shape]);
      }
    }
    const feeds = Object.fromEntries(session.inputNames.map((name) => [name, given[name]!]));
    const out = await session.run(feeds);
    const found = Array.from(out.logits!.data as Float32Array);
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(logits.data[i]!, 5);
    await session.release();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
