import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32, int32, type NDArray, zeros } from '../arrays/array.js';
import { linearCrossEntropy } from '../fused/linear-cross-entropy.js';
import { recompute } from '../fused/recompute.js';
import { rmsNorm } from '../fused/rms-norm.js';
import { compile } from './compile.js';

const SIZE = 6;
const NAMES = ['w0', 'w1', 'w2', 'w3'];

type Matrices = Readonly<Record<string, tf.Tensor2D>>;
type Operation = (a: tf.Tensor2D, b: tf.Tensor2D, rows: tf.Tensor1D) => tf.Tensor;

/** Operations on two matrices of `SIZE` rows and columns, some of whose results in between have other shapes and types. */
const operations: readonly Operation[] = [
  (a, b) => tf.matMul(a, b, false, true),
  (a, b) => tf.add(a, b),
  (a, b) => tf.mul(a, tf.sigmoid(b)),
  (a) => tf.tanh(a),
  (a) => tf.transpose(a),
  (a, b) => tf.reshape(tf.mul(tf.reshape(a, [-1]), tf.reshape(b, [-1])), [SIZE, SIZE]),
  (a, b) => tf.maximum(a, b),
  (a, b) => tf.sub(a, tf.mean(b, 1, true)),
  (a, b) => tf.concat(tf.split(a, 2, 1).map((half, i) => (i === 0 ? half : tf.mul(half, tf.sum(b))))),
  (a, _b, rows) => tf.gather(a, rows),
  (a) => tf.softmax(a),
  (a, b) => rmsNorm(a, tf.mean(b, 0) as tf.Tensor1D, 1e-5),
  (a, b) => recompute(([x, y]: [tf.Tensor2D, tf.Tensor2D]) => tf.tanh(tf.matMul(x, y)), [a, b]),
  (a, b, targets) => tf.mul(a, linearCrossEntropy({ x: a, targets, weights: tf.ones([SIZE]) }, b)),
];

/** An operation, and the places of what it reads among all matrices so far. */
const programs = fc.array(fc.tuple(fc.nat(operations.length - 1), fc.nat(), fc.nat()), {
  minLength: 3,
  maxLength: 14,
});

/** A loss of weights with its gradients, and results of some operations on the way there. */
function functionOf(program: readonly (readonly [number, number, number])[]) {
  return ({ weights, rows }: { weights: Matrices; gradients: Matrices; rows: tf.Tensor1D }) => {
    let middle: Record<string, tf.Tensor> = {};
    const loss = (...matrices: tf.Tensor[]) => {
      const made = matrices as tf.Tensor2D[];
      const given = made.length;
      for (const [operation, a, b] of program) {
        const result = operations[operation]!(made[a % made.length]!, made[b % made.length]!, rows);
        made.push(tf.reshape(result, [SIZE, SIZE]));
      }
      middle = Object.fromEntries(made.slice(given).map((each, i) => [`m${i}`, each]));
      return tf.addN(made.map((each) => tf.mean(tf.square(each)))) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(loss)(NAMES.map((name) => weights[name]!));
    return { loss: value, middle, gradients: Object.fromEntries(NAMES.map((name, i) => [name, grads[i]!])) };
  };
}

const weights = Object.fromEntries(
  NAMES.map((name, k) => {
    const values = Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(1.7 * i + 5 * k));
    return [name, float32([SIZE, SIZE], values)];
  }),
);
const rows = int32([SIZE], [5, 1, 0, 3, 3, 2]);
const room = () => Object.fromEntries(NAMES.map((name) => [name, zeros([SIZE, SIZE])]));
type Room = ReturnType<typeof room>;
const bitsOf = ({ data }: NDArray) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

describe('a function in parts', () => {
  it('computes what it computes in one, although what is ready is changed meanwhile', {
    timeout: 240_000,
  }, async () => {
    const groups = fc.tuple(fc.array(fc.nat(4), { minLength: 18, maxLength: 18 }), fc.nat(), fc.boolean());
    let inSeveral = 0;
    await fc.assert(
      fc.asyncProperty(programs, groups, async (program, [places, shift, isHalf]) => {
        const fn = functionOf(program);
        const whole = compile(fn, { inPlace: ['gradients'] });
        const wanted: Room = room();
        const { loss, middle } = await whole({ weights, gradients: wanted, rows });
        const paths = [
          ...NAMES.map((name) => `gradients/${name}`),
          ...Object.keys(middle).map((name) => `middle/${name}`),
        ];
        // Some results are in no group, and some groups have no results.
        const parts = Array.from({ length: 5 }, (_, part) =>
          paths.filter(
            (_path, i) => places[(i + shift) % places.length] === part && !(isHalf && i % 3 === 0),
          ),
        );
        const cut = compile(fn, { inPlace: ['gradients'], parts });
        const gradients = room();
        const seen = new Map<string, string>();
        const called: number[] = [];
        const found = await cut(
          { weights, gradients, rows },
          {
            onPart(part) {
              called.push(part);
              for (const path of parts[part]!) {
                const name = path.slice('gradients/'.length);
                const array = gradients[name];
                if (array === undefined || !path.startsWith('gradients/')) continue;
                seen.set(name, bitsOf(array));
                array.data.fill(Number.NaN);
              }
            },
          },
        );
        expect(called).toEqual([0, 1, 2, 3, 4]);
        expect(String(found.loss.data)).toBe(String(loss.data));
        for (const [name, { data }] of Object.entries(middle)) {
          expect(String(found.middle[name]!.data)).toBe(String(data));
        }
        for (const name of NAMES)
          expect(seen.get(name) ?? bitsOf(gradients[name]!)).toBe(bitsOf(wanted[name]!));
        if (cut.executables[0]!.bytes !== whole.executables[0]!.bytes) inSeveral++;
        for (const compiled of [whole, cut]) compiled.dispose();
      }),
      { numRuns: 30, seed: 7 },
    );
    expect(inSeveral).toBeGreaterThan(25);
  });

  it('is refused where a later part reads an input that an earlier one overwrites', async () => {
    const fn = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => ({ x: tf.add(x, 1), y: tf.add(y, x) });
    const inputs = () => ({ x: float32([2], [1, 2]), y: float32([2], [3, 4]) });
    const run = compile(fn, { inPlace: ['x', 'y'], parts: [['x'], ['y']] });
    await expect(run(inputs())).rejects.toMatchObject({
      code: 'bad-state',
      message: "a part of the function overwrites 'x' in place before a later part reads it",
    });
    const other = compile(fn, { inPlace: ['x', 'y'], parts: [['y'], ['x']] });
    const given = inputs();
    await other(given);
    expect([...given.x.data, ...given.y.data]).toEqual([2, 3, 4, 6]);
  });

  it('stops between its parts', async () => {
    const fn = ({ x }: { x: tf.Tensor }) => ({ y: tf.exp(x), z: tf.neg(x) });
    const run = compile(fn, { parts: [['y'], ['z']] });
    const stop = new AbortController();
    const called: number[] = [];
    const onPart = (part: number) => {
      called.push(part);
      stop.abort(new Error('enough'));
    };
    await expect(run({ x: zeros([3]) }, { signal: stop.signal, onPart })).rejects.toThrow('enough');
    expect(called).toEqual([0]);
  });
});

it.skipIf(process.platform !== 'linux')(
  'what goes from part to part is freed as soon as no later part reads it',
  async () => {
    const [layers, rows, width] = [24, 2 ** 15, 64];
    const names = Array.from({ length: layers }, (_, i) => `w${i}`);
    const fn = ({ x, ...weights }: { x: tf.Tensor2D; [name: string]: tf.Tensor }) => {
      let y: tf.Tensor = x;
      const sums: Record<string, tf.Tensor> = {};
      for (const name of names) {
        y = tf.tanh(tf.matMul(y, weights[name]!));
        sums[name] = tf.sum(y);
      }
      return sums;
    };
    const run = compile(fn, { parts: names.map((name) => [name]) });
    const matrices = Object.fromEntries(names.map((name) => [name, zeros([width, width])]));
    const before = process.memoryUsage.rss();
    await run({ x: zeros([rows, width]), ...matrices });
    // The states of one layer at a time go to the next part.
    expect(process.memoryUsage.rss() - before).toBeLessThan(0.4 * layers * rows * width * 4);
  },
);
