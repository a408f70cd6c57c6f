import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type ArraySpec, float32, int8, int32, type NDArray } from '../arrays/array.js';
import { type Arrays, compile } from '../compile/compile.js';
import { attentionAt, cachedAttention, causalAttention } from '../fused/attention.js';
import { crossEntropy } from '../fused/cross-entropy.js';
import { linearCrossEntropy } from '../fused/linear-cross-entropy.js';
import { checkpointed, recompute } from '../fused/recompute.js';
import { rmsNorm } from '../fused/rms-norm.js';
import { rotaryEmbedding } from '../fused/rotary-embedding.js';
import { evaluate, maxRelativeDifference } from '../testing.js';
import { trace } from '../trace/trace.js';
import {
  describeOnDevices,
  expectAgreement,
  forRandom,
  randomArrays,
  randomCases,
  withGradients,
} from './devices.js';

type T = tf.Tensor;

/** The operators that a function is traced as. */
function operators(fn: (inputs: never) => unknown, inputs: Record<string, ArraySpec>): Set<string> {
  return new Set(trace(fn, inputs).graph.nodes.map(({ op }) => op));
}

/** The cross-entropies that are compared on every device, and what they are: computed once, for all of them. */
const linearHeads = once(async () => {
  const heads: { inputs: Record<string, NDArray>; expected: Record<string, NDArray> }[] = [];
  // 2^24 logits are computed at once: 450 rows of 40,000 are two parts.
  for (const [rows, vocabulary] of [
    [6, 11],
    [450, 40_000],
  ] as const) {
    const arrays = randomArrays({ x: [rows, 4], matrix: [vocabulary, 4], weights: [rows] }, 9);
    const targets = int32(
      [rows],
      Int32Array.from({ length: rows }, (_, i) => (i * 7919) % vocabulary),
    );
    const inputs = { ...arrays, targets };
    const expected = linearHead(inputs);
    if (rows < 10) {
      const plain = await evaluate(plainLinearHead as never, inputs as never);
      expect(maxRelativeDifference(expected, plain, 0.1)).toBeLessThan(1e-5);
    }
    heads.push({ inputs, expected });
  }
  return heads;
});

function once<R>(compute: () => R): () => R {
  let result: { value: R } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}

const plainLinearHead = withGradients(
  ({ x, matrix, targets, weights }: { x: T; matrix: T; targets: T; weights: T }) => {
    const logits = tf.matMul(x as tf.Tensor2D, matrix as tf.Tensor2D, false, true);
    return tf.sum(tf.mul(crossEntropy(logits as tf.Tensor2D, targets as tf.Tensor1D), weights));
  },
  ['x', 'matrix'],
);

/**
 * The same in loops, in float64: TensorFlow.js takes half a minute for the many rows.
 * Σᵣ wᵣ (log Σᵥ exp(xᵣ·mᵥ) − xᵣ·m_target), whose gradient by the logits is wᵣ (softmax − one-hot).
 */
function linearHead(arrays: Record<'x' | 'matrix' | 'weights', NDArray<'float32'>> & { targets: NDArray }) {
  const [x, matrix, weights] = [arrays.x.data, arrays.matrix.data, arrays.weights.data];
  const [rows = 0, width = 0] = arrays.x.shape;
  const [vocabulary = 0] = arrays.matrix.shape;
  const dx = new Float64Array(x.length);
  const dmatrix = new Float64Array(matrix.length);
  const logits = new Float64Array(vocabulary);
  let value = 0;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let v = 0; v < vocabulary; v++) {
      let logit = 0;
      for (let i = 0; i < width; i++) logit += x[row * width + i]! * matrix[v * width + i]!;
      logits[v] = logit;
      // The logits are small enough to need no maximum.
      sum += Math.exp(logit);
    }
    const target = Number(arrays.targets.data[row]);
    const weight = weights[row]!;
    value += weight * (Math.log(sum) - logits[target]!);
    for (let v = 0; v < vocabulary; v++) {
      const dlogit = weight * (Math.exp(logits[v]!) / sum - (v === target ? 1 : 0));
      for (let i = 0; i < width; i++) {
        dx[row * width + i]! += dlogit * matrix[v * width + i]!;
        dmatrix[v * width + i]! += dlogit * x[row * width + i]!;
      }
    }
  }
  const like = ({ shape }: NDArray, data: Float64Array) => float32(shape, Float32Array.from(data));
  return {
    value: float32([], Float32Array.of(value)),
    dx: like(arrays.x, dx),
    dmatrix: like(arrays.matrix, dmatrix),
  };
}

describeOnDevices('fused kernels', (device) => {
  const runs = randomCases(device, 6);

  it('rmsNorm, with gradients', async () => {
    const fn = withGradients(({ x, g }: { x: T; g: T }) => rmsNorm(x, g, 1e-5), ['x', 'g']);
    await forRandom({ n: [1, 7], d: [2, 33] }, runs, async ({ n, d }, seed) => {
      await expectAgreement(device, fn, randomArrays({ x: [n, d], g: [d] }, seed));
    });
    const { x, g } = randomArrays({ x: [2, 4], g: [4] }, 1);
    expect(operators(fn as never, { x, g })).toContain('SimplifiedLayerNormalization');
  });

  it('rotaryEmbedding, with gradients, of a run of positions and of any positions', async () => {
    await forRandom(
      { b: [1, 3], t: [1, 9], heads: [1, 3], half: [1, 5], more: [0, 4] },
      runs,
      async ({ b, t, heads, half, more }, seed) => {
        const random = randomArrays({ x: [b, t, heads * 2 * half], angles: [t + more, half] }, seed);
        const angles = random.angles.data;
        const inputs = {
          x: random.x,
          cos: float32([t + more, half], angles.map(Math.cos)),
          sin: float32([t + more, half], angles.map(Math.sin)),
        };
        type I = { x: T; cos: T; sin: T };
        const tables = ({ cos, sin }: I) => ({ cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D });
        const run = withGradients(
          (all: I) => rotaryEmbedding(all.x as tf.Tensor3D, tables(all), { heads }),
          ['x'],
        );
        await expectAgreement(device, run, inputs as never);
        const at = int32(
          [b, t],
          Array.from({ length: b * t }, (_, i) => (i * 7 + 3) % (t + more)),
        );
        const anywhere = withGradients(
          (all: I & { at: T }) =>
            rotaryEmbedding(all.x as tf.Tensor3D, tables(all), { heads, positions: all.at as tf.Tensor2D }),
          ['x'],
        );
        await expectAgreement(device, anywhere, { ...inputs, at } as never);
        expect(operators(run as never, inputs)).toContain('RotaryEmbedding');
      },
    );
  });

  type Attended = { q: T; k: T; v: T };
  const projections = ({ q, k, v }: Attended, of = (x: T) => x as tf.Tensor3D) => ({
    query: of(q),
    key: of(k),
    value: of(v),
  });
  const attend = (heads: number, groups: number) => (all: Attended) => {
    return causalAttention(projections(all), { heads, groups });
  };
  const shapesOf = (b: number, t: number, groups: number, share: number, d: number) => ({
    q: [b, t, groups * share * d],
    k: [b, t, groups * d],
    v: [b, t, groups * d],
  });

  it('causalAttention: the fused form, the keys and values that it returns, and the gradients', async () => {
    await forRandom(
      { b: [1, 3], t: [1, 80], groups: [1, 2], share: [1, 3], eighths: [1, 2] },
      runs,
      async ({ b, t, groups, share, eighths }, seed) => {
        const inputs = randomArrays(shapesOf(b, t, groups, share, 8 * eighths), seed);
        const fn = attend(groups * share, groups);
        await expectAgreement(device, fn as never, inputs as never);
        await expectAgreement(
          device,
          withGradients((all: Attended) => fn(all).mixed, ['q', 'k', 'v']),
          inputs as never,
        );
        expect(operators(fn as never, inputs)).toContain('GroupQueryAttention');
      },
    );
    // Long enough for several blocks of queries.
    const long = randomArrays(shapesOf(1, 256, 1, 2, 8), 7);
    const mixed = withGradients((all: Attended) => attend(2, 1)(all).mixed, ['q', 'k', 'v']);
    await expectAgreement(device, mixed, long as never);
  });

  it('cachedAttention goes on where causalAttention ended, row by row', async () => {
    await forRandom(
      { b: [1, 4], t: [2, 50], groups: [1, 2], share: [1, 3], room: [0, 5] },
      runs,
      async ({ b, t, groups, share, room }, seed) => {
        const d = 8;
        const inputs = randomArrays(shapesOf(b, t, groups, share, d), seed);
        // Row i already holds i mod t positions.
        const positions = Array.from({ length: b }, (_, i) => i % t);
        const heads = { heads: groups * share, groups };
        const step = (all: Attended & { at: T; keys: T; values: T }) => {
          const pick = (x: T) => {
            const places = tf.stack([tf.range(0, b, 1, 'int32'), all.at], 1);
            return tf.expandDims(tf.gatherND(x, places), 1) as tf.Tensor3D;
          };
          const past = { keys: all.keys as tf.Tensor4D, values: all.values as tf.Tensor4D };
          const at = all.at as tf.Tensor1D;
          const now = cachedAttention({ ...projections(all, pick), past, positions: at }, heads);
          // What lies after the filled positions is anything.
          const places = tf.reshape(tf.range(0, t + room, 1, 'int32'), [1, 1, -1, 1]);
          const filled = tf.lessEqual(places, tf.reshape(at, [b, 1, 1, 1]));
          const seen = (cache: T) => tf.where(tf.tile(filled, [1, groups, 1, d]), cache, tf.zerosLike(cache));
          return { mixed: now.mixed, keys: seen(now.keys), values: seen(now.values) };
        };
        const whole = await evaluate(attend(heads.heads, groups) as never, inputs as never);
        const { keys, values, mixed } = whole as unknown as Record<string, NDArray>;
        const capacity = t + room;
        // What lies after the filled positions must not be read.
        const filled = (from: NDArray) => {
          const data = new Float32Array(b * groups * capacity * d).fill(1e3);
          for (let row = 0; row < b * groups; row++) {
            const count = positions[Math.floor(row / groups)]! * d;
            data.set(
              (from.data as Float32Array).subarray(row * t * d, row * t * d + count),
              row * capacity * d,
            );
          }
          return float32([b, groups, capacity, d], data);
        };
        const at = int32([b], positions);
        const all = { ...inputs, at, keys: filled(keys!), values: filled(values!) };
        await expectAgreement(device, step as never, all as never);
        const found = (await evaluate(step as never, all as never)) as Record<string, NDArray>;
        const width = groups * share * d;
        const expected = positions.flatMap((p, row) =>
          Array.from(
            (mixed!.data as Float32Array).subarray((row * t + p) * width, (row * t + p + 1) * width),
          ),
        );
        const want = float32([b, 1, width], expected);
        expect(maxRelativeDifference({ mixed: found.mixed }, { mixed: want })).toBeLessThan(1e-5);
        expect(operators(step as never, all)).toContain('GroupQueryAttention');
      },
    );
  });

  it('cachedAttention takes several positions of one row at once', async () => {
    await forRandom(
      { before: [0, 20], count: [2, 40], groups: [1, 2], share: [1, 3], room: [0, 5] },
      runs,
      async ({ before, count, groups, share, room }, seed) => {
        const d = 8;
        const length = before + count;
        const inputs = randomArrays(shapesOf(1, length, groups, share, d), seed);
        const heads = { heads: groups * share, groups };
        const whole = (await evaluate(attend(heads.heads, groups) as never, inputs as never)) as unknown as {
          [name in 'mixed' | 'keys' | 'values']: NDArray<'float32'>;
        };
        const capacity = length + room;
        // What lies after the filled positions must not be read.
        const filled = ({ data }: NDArray<'float32'>, upTo: number) => {
          const room = new Float32Array(groups * capacity * d).fill(1e3);
          for (let g = 0; g < groups; g++) {
            room.set(data.subarray(g * length * d, (g * length + upTo) * d), g * capacity * d);
          }
          return float32([1, groups, capacity, d], room);
        };
        const step = (all: Attended & { end: T; keys: T; values: T }) => {
          const newest = (x: T) => tf.slice(x, [0, before, 0]) as tf.Tensor3D;
          const past = { keys: all.keys as tf.Tensor4D, values: all.values as tf.Tensor4D };
          const end = all.end as tf.Tensor1D;
          const now = cachedAttention({ ...projections(all, newest), past, positions: end }, heads);
          // What lies after the filled positions is anything.
          const seen = (cache: T) => tf.slice(cache, [0, 0, 0, 0], [-1, -1, length, -1]);
          return { mixed: now.mixed, keys: seen(now.keys), values: seen(now.values) };
        };
        const all = {
          ...inputs,
          end: int32([1], [length - 1]),
          keys: filled(whole.keys, before),
          values: filled(whole.values, before),
        };
        await expectAgreement(device, step as never, all as never);
        const found = (await evaluate(step as never, all as never)) as Record<string, NDArray>;
        const width = groups * share * d;
        const expected = {
          mixed: float32([1, count, width], whole.mixed.data.subarray(before * width)),
          keys: whole.keys,
          values: whole.values,
        };
        expect(maxRelativeDifference(found, expected)).toBeLessThan(1e-5);
        expect(operators(step as never, all)).toContain('GroupQueryAttention');
      },
    );
  });

  it('cachedAttention over integers is that over the values that they stand for', async () => {
    await forRandom(
      { b: [1, 4], room: [1, 40], groups: [1, 2], share: [1, 3], window: [0, 9] },
      runs,
      async ({ b, room, groups, share, window }, seed) => {
        const d = 8;
        const heads = { heads: groups * share, groups, ...(window > 0 && { window }) };
        const inputs = randomArrays(shapesOf(b, 1, groups, share, d), seed);
        const positions = Array.from({ length: b }, (_, i) => (7 * i) % room);
        const noise = randomArrays({ keys: [b, groups, room, d], values: [b, groups, room, d] }, seed + 1);
        const integers = ({ shape, data }: NDArray) =>
          int8(
            shape,
            Int8Array.from(data, (x) => Math.round(60 * Math.tanh(x))),
          );
        const scales = randomArrays({ forKeys: [groups, 1, d], forValues: [groups, 1, d] }, seed + 2);
        const positive = ({ shape, data }: NDArray) =>
          float32(
            shape,
            Array.from(data, (x) => 0.02 + Math.abs(x) / 40),
          );
        type Cached = Attended & { keys: T; values: T; forKeys: T; forValues: T; at: T };
        const step = (all: Cached) => {
          const past = { keys: all.keys as tf.Tensor4D, values: all.values as tf.Tensor4D };
          const scales = { keys: all.forKeys as tf.Tensor3D, values: all.forValues as tf.Tensor3D };
          const at = all.at as tf.Tensor1D;
          return cachedAttention({ ...projections(all), past, scales, positions: at }, heads).mixed;
        };
        // The same over float32, where the new position is rounded beforehand.
        const plain = (all: Cached) => {
          const round = (x: T, scale: T) => {
            const byHead = tf.reshape(x, [b, groups, 1, d]);
            const rounded = tf.mul(tf.clipByValue(tf.round(tf.div(byHead, scale)), -127, 127), scale);
            return tf.reshape(rounded, [b, 1, groups * d]) as tf.Tensor3D;
          };
          const past = {
            keys: tf.mul(tf.cast(all.keys, 'float32'), all.forKeys) as tf.Tensor4D,
            values: tf.mul(tf.cast(all.values, 'float32'), all.forValues) as tf.Tensor4D,
          };
          const { query } = projections(all);
          const now = { query, key: round(all.k, all.forKeys), value: round(all.v, all.forValues) };
          return cachedAttention({ ...now, past, positions: all.at as tf.Tensor1D }, heads).mixed;
        };
        const all = {
          ...inputs,
          keys: integers(noise.keys!),
          values: integers(noise.values!),
          forKeys: positive(scales.forKeys!),
          forValues: positive(scales.forValues!),
          at: int32([b], positions),
        };
        const mixed = (fn: (all: Cached) => T) => (given: Cached) => ({ mixed: fn(given) });
        await expectAgreement(device, mixed(step) as never, all as never);
        const found = await evaluate(mixed(step) as never, all as never);
        const expected = await evaluate(mixed(plain) as never, all as never);
        expect(maxRelativeDifference(found, expected)).toBeLessThan(1e-5);
        expect(operators(mixed(step) as never, all)).toContain('GroupQueryAttention');
      },
    );
  });

  it('capped scores and a window are the same in every form of attention', async () => {
    await forRandom(
      { b: [1, 3], t: [3, 60], groups: [1, 2], share: [1, 2], window: [1, 20] },
      runs,
      async ({ b, t, groups, share, window }, seed) => {
        const [d, softCap] = [8, 1.5];
        const heads = groups * share;
        for (const options of [{ softCap }, { window }, { softCap, window }]) {
          const given = { heads, groups, ...options };
          const all = (x: Attended) => causalAttention(projections(x), given);
          const inputs = randomArrays(shapesOf(b, t, groups, share, d), seed);
          await expectAgreement(device, all as never, inputs as never);
          const mixed = withGradients((x: Attended) => all(x).mixed, ['q', 'k', 'v']);
          await expectAgreement(device, mixed, inputs as never);
          expect(operators(all as never, inputs)).toContain('GroupQueryAttention');
          // The last position over what is before it: of a cache, and of all keys.
          const last = (x: Attended) => {
            const { keys, values, mixed: whole } = all(x);
            const newest = (y: T) => tf.slice(y, [0, t - 1, 0]) as tf.Tensor3D;
            const at = tf.fill([b], t - 1, 'int32') as tf.Tensor1D;
            const past = { keys, values };
            const cached = cachedAttention({ ...projections(x, newest), past, positions: at }, given);
            const rows = tf.reshape(newest(x.q), [b, heads, d]) as tf.Tensor3D;
            return {
              cached: tf.sub(cached.mixed, newest(whole)),
              one: tf.sub(
                attentionAt({ queries: rows, keys, values, positions: at }, options),
                tf.squeeze(newest(whole), [1]),
              ),
            };
          };
          for (const found of [
            await evaluate(last as never, inputs as never),
            await compile(last as never, { device })(inputs as never),
          ] as Record<string, NDArray>[]) {
            for (const { data } of Object.values(found)) {
              expect(Math.max(...Array.from(data).map(Math.abs))).toBeLessThan(1e-5);
            }
          }
        }
      },
    );
  });

  it('attentionAt reads no position after its own', async () => {
    await forRandom({ b: [1, 3], t: [1, 9], share: [1, 3] }, runs, async ({ b, t, share }, seed) => {
      const fn = ({ q, k, v, at }: Attended & { at: T }) => ({
        mixed: attentionAt({
          queries: q as tf.Tensor3D,
          keys: k as tf.Tensor4D,
          values: v as tf.Tensor4D,
          positions: at as tf.Tensor1D,
        }),
      });
      const inputs = randomArrays({ q: [b, 2 * share, 4], k: [b, 2, t, 4], v: [b, 2, t, 4] }, seed);
      const at = int32(
        [b],
        Array.from({ length: b }, (_, i) => i % t),
      );
      await expectAgreement(device, fn as never, { ...inputs, at } as never);
    });
  });

  it('crossEntropy of selected rows, with gradients', async () => {
    await forRandom({ p: [1, 9], v: [2, 40] }, runs, async ({ p, v }, seed) => {
      const targets = int32(
        [p],
        Array.from({ length: p }, (_, i) => (i * 5 + Math.abs(seed)) % v),
      );
      const { x } = randomArrays({ x: [p, v] }, seed);
      const fused = withGradients(
        (all: { x: T; targets: T }) => crossEntropy(all.x as tf.Tensor2D, all.targets as tf.Tensor1D),
        ['x'],
      );
      const plain = withGradients(
        (all: { x: T; targets: T }) => {
          const chosen = tf.oneHot(all.targets as tf.Tensor1D, v, 1, 0, 'float32');
          return tf.neg(tf.sum(tf.mul(tf.logSoftmax(all.x), chosen), -1));
        },
        ['x'],
      );
      const inputs = { x, targets } as Arrays<{ x: T; targets: T }>;
      const compiled = compile(fused, { device });
      const found = await compiled(inputs as never);
      compiled.dispose();
      expect(maxRelativeDifference(found, await evaluate(plain, inputs))).toBeLessThan(1e-5);
    });
  });

  it('cross-entropy of a linear head, with gradients, in one part and in several', async () => {
    type Arguments = { x: T; matrix: T; targets: T; weights: T };
    const fused = withGradients(
      ({ x, matrix, targets, weights }: Arguments) =>
        linearCrossEntropy(
          { x: x as tf.Tensor2D, targets: targets as tf.Tensor1D, weights: weights as tf.Tensor1D },
          matrix as tf.Tensor2D,
        ),
      ['x', 'matrix'],
    );
    for (const { inputs, expected } of await linearHeads()) {
      for (const fn of [fused, ({ ...all }: Arguments) => ({ value: fused(all).value! })]) {
        const compiled = compile(fn, { device });
        const found = await compiled(inputs as never);
        compiled.dispose();
        const some = Object.fromEntries(Object.keys(found).map((name) => [name, expected[name]!]));
        // Sums of many rows are off by more on a GPU.
        expect(maxRelativeDifference(found, some, 0.1)).toBeLessThan(device === 'webgpu' ? 1e-4 : 1e-5);
      }
    }
  });

  it('recompute gives the same value and gradients', async () => {
    const layer = (x: T, w: T) => tf.tanh(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D));
    const chain = (wrapped: boolean) =>
      withGradients(
        ({ x, w, v }: { x: T; w: T; v: T }) => {
          const apply = (...args: T[]) =>
            wrapped ? recompute(([a, b]) => layer(a!, b!), args) : layer(args[0]!, args[1]!);
          return apply(apply(apply(x, w), v), w);
        },
        ['x', 'w', 'v'],
      );
    const inputs = randomArrays({ x: [3, 6], w: [6, 6], v: [6, 6] }, 5) as never;
    const compiled = compile(chain(true), { device });
    const found = await compiled(inputs);
    compiled.dispose();
    expect(maxRelativeDifference(found, await evaluate(chain(false), inputs))).toBeLessThan(1e-5);
  });
});

it('recompute takes nested inputs, of any type, whether they have a gradient or not', async () => {
  const inside = ({ x, more }: { x: T; more: { rows: T; list: [T]; scale: number; absent: undefined } }) =>
    tf.add(tf.mul(tf.gather(x, more.rows), more.scale), tf.floor(more.list[0]));
  const fn = (wrapped: boolean) =>
    withGradients(
      ({ x, step, rows }: { x: T; step: T; rows: T }) => {
        const given = { x, more: { rows, list: [step] as [T], scale: 3, absent: undefined } };
        return tf.square(wrapped ? recompute(inside, given) : inside(given));
      },
      ['x', 'step'],
    );
  const inputs = { ...randomArrays({ x: [4, 3], step: [3] }, 3), rows: int32([3], [2, 0, 2]) } as never;
  const compiled = compile(fn(true));
  const found = await compiled(inputs);
  compiled.dispose();
  expect(maxRelativeDifference(found, await evaluate(fn(false), inputs))).toBeLessThan(1e-5);
  expect(
    maxRelativeDifference(await evaluate(fn(true), inputs), await evaluate(fn(false), inputs)),
  ).toBeLessThan(1e-5);
});

it('what is checkpointed is computed again only where it is asked for', () => {
  const layer = ({ x, w }: { x: T; w: T }) => tf.tanh(tf.tanh(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)));
  const gradient = ({ x, w }: { x: T; w: T }) =>
    tf.valueAndGrad((w: T) => tf.sum(checkpointed(layer, { x: checkpointed(layer, { x, w }), w })))(w);
  const spec = { dtype: 'float32', shape: [8, 8] } as const;
  const count = (gradientCheckpointing: boolean) =>
    trace(gradient as never, { x: spec, w: spec }, { gradientCheckpointing }).graph.nodes.filter(
      ({ op }) => op === 'Tanh',
    ).length;
  expect(count(false)).toBe(4);
  expect(count(true)).toBe(8);
});

it('recompute lets go of what is inside: each layer costs its input instead of all its results', () => {
  const layer = (x: T, w: T) => {
    let y = x;
    for (let i = 0; i < 6; i++) y = tf.tanh(tf.matMul(y as tf.Tensor2D, w as tf.Tensor2D));
    return y;
  };
  const gradients = (wrapped: boolean) => (all: { x: T; w: T }) => {
    const loss = (w: T) => {
      let y = all.x;
      for (let i = 0; i < 5; i++) y = wrapped ? recompute(({ y, w }) => layer(y, w), { y, w }) : layer(y, w);
      return tf.sum(y);
    };
    return { dw: tf.grad(loss)(all.w) };
  };
  const specs = {
    x: { dtype: 'float32', shape: [512, 32] },
    w: { dtype: 'float32', shape: [32, 32] },
  } as const;
  const peak = (wrapped: boolean) => trace(gradients(wrapped) as never, specs).peakBytes(new Map());
  // 30 results of 64 KiB are kept, or 5 and those of one layer.
  expect(peak(true)).toBeLessThan(0.6 * peak(false));
});
