/**
 * Makes one measurement, in a process of its own so that the peak memory is its own:
 *
 *     node bench/engine/case.mjs CASE CONFIGURATION BATCH LENGTH STEPS
 *
 * Prints one line of JSON.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, threadCount } from '@gram/base';
import { compile, exportOnnx, int32, zeros } from '@gram/engine';
import {
  continueAt,
  initWeights,
  parameterCount,
  positionArrays,
  positionDimensions,
  quantizeWeights,
  stateAt,
  vocabularyLogits,
  weightShapes,
} from '@gram/model';
import { adamW, createTrainingStep, pairGeneration } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { configurations, fastNormal, forwardFlop, median, timed } from './configurations.mjs';
import { matrixLimit, readBandwidth } from './limits.mjs';

const [name, configuration, ...numbers] = process.argv.slice(2);
const [batch, length, steps] = numbers.map(Number);
const config = configurations[configuration];
const random = createRandom(1, 'bench');
// Equal layers would be packed once and then read from the cache; a generator gives distinct ones.
const weights = initWeights(config, fastNormal());
const tokens = (rows, columns) =>
  int32(
    [rows, columns],
    Int32Array.from({ length: rows * columns }, () => random.integer(config.vocabSize)),
  );

/** Measures steps of loss on every position, gradients, clipping and AdamW, in turns with the products of the limit. */
async function train() {
  const like = () =>
    Object.fromEntries(Object.entries(weights).map(([key, { shape }]) => [key, zeros(shape)]));
  const step = createTrainingStep(config, pairGeneration, adamW(), weights, { m: like(), v: like() });
  const examples = Array.from({ length: batch }, () => ({
    ids: Array.from({ length }, () => random.integer(config.vocabSize)),
    lossFrom: 1,
  }));
  const data = pairGeneration.batch(examples, batch, length, batch * (length - 1));
  const [all, limits] = [[], []];
  let first;
  for (let update = 1; update <= steps + 1; update++) {
    const start = performance.now();
    await step.run([data], { update, learningRate: 1e-4, maxGradientNorm: 1 });
    const seconds = (performance.now() - start) / 1000;
    if (update === 1) first = seconds;
    else all.push(seconds);
    if (update > 1) limits.push(await matrixLimit(config, batch * length));
  }
  const compiled = step.executables.reduce((sum, { seconds }) => sum + seconds.trace + seconds.create, 0);
  step.dispose();
  return {
    all,
    first,
    compiled,
    flop: 6 * parameterCount(config) * batch * length,
    limit: median(limits),
    work: batch * length,
  };
}

const scoring = { dimensions: { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] } };
const lastPositions = () => int32([batch], new Int32Array(batch).fill(length - 1));

/** Measures the logits of the next token after each of some texts. */
async function prefill() {
  const tables = positionArrays(config, length);
  const run = compile(
    (inputs) => ({
      logits: vocabularyLogits(
        config,
        inputs.weights,
        stateAt(config, inputs.weights, inputs.tokens, inputs.last, inputs.tables),
      ),
    }),
    { constants: ['weights'], ...scoring },
  );
  const inputs = { weights, tables, tokens: tokens(batch, length), last: lastPositions() };
  const all = await timed(steps, () => run(inputs));
  const { seconds } = run.executables[0];
  const limit = await matrixLimit(config, batch * length);
  return {
    all,
    flop: forwardFlop(config, batch * length, batch),
    limit,
    compile: seconds,
    work: batch * length,
  };
}

/** Measures the same with the matrices of the layers in 8-bit integers, in turns with float32 in one process. */
async function int8Prefill() {
  const model = (inputs) => {
    const state = stateAt(config, inputs.weights, inputs.tokens, inputs.last, inputs.tables);
    return { logits: vocabularyLogits(config, inputs.weights, state) };
  };
  const options = { constants: ['weights'], ...scoring };
  const [exact, rounded] = [compile(model, options), compile(model, options)];
  const rest = {
    tables: positionArrays(config, length),
    tokens: tokens(batch, length),
    last: lastPositions(),
  };
  const quantized = quantizeWeights(weights);
  const [all, float] = [[], []];
  let difference = 0;
  for (let i = 0; i <= steps; i++) {
    const start = performance.now();
    const a = await exact({ weights, ...rest });
    const middle = performance.now();
    const b = await rounded({ weights: quantized, ...rest });
    const end = performance.now();
    if (i === 0) continue;
    float.push((middle - start) / 1000);
    all.push((end - middle) / 1000);
    const largest = a.logits.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const apart = b.logits.data.reduce((most, v, at) => Math.max(most, Math.abs(v - a.logits.data[at])), 0);
    difference = apart / largest;
  }
  return { all, float: median(float), difference, work: batch * length };
}

function decoding() {
  const capacity = Math.max(1024, length + 64);
  const { numKeyValueHeads: groups, headDim } = config;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => String(i));
  const shape = [batch, groups, capacity, headDim];
  const fn = (inputs) => {
    const past = layers.map((layer) => inputs.cache[layer]);
    const next = continueAt(config, inputs.weights, inputs.tokens, inputs.positions, past, inputs.tables);
    return {
      logits: vocabularyLogits(config, inputs.weights, next.state),
      cache: Object.fromEntries(layers.map((layer, i) => [layer, next.cache[i]])),
    };
  };
  const cache = Object.fromEntries(
    layers.map((layer) => [layer, { keys: zeros(shape), values: zeros(shape) }]),
  );
  const tables = positionArrays(config, capacity);
  const at = (i) => ({
    tokens: int32([batch], new Int32Array(batch).fill(5)),
    positions: int32([batch], new Int32Array(batch).fill(length + (i % 64))),
  });
  // The head is the embedding: all weights are read once, and the filled part of the cache.
  const cacheBytes = 2 * layers.length * batch * groups * (length + 32) * headDim * 4;
  return { fn, cache, tables, at, shape, capacity, layers, bytes: 4 * parameterCount(config) + cacheBytes };
}

/** Measures one more token of each row; the cache is updated in its own memory. */
async function decode() {
  const { fn, cache, tables, at, bytes } = decoding();
  const run = compile(fn, {
    inPlace: ['cache'],
    constants: ['weights'],
    dimensions: {
      ...positionDimensions,
      cache: ['R', null, 'C', null],
      tokens: ['R'],
      positions: ['R'],
    },
  });
  const all = await timed(steps, (i) => run({ weights, tables, cache, ...at(i) }));
  const bandwidth = await readBandwidth();
  return { all, bytes, bandwidth, compile: run.executables[0].seconds, work: batch };
}

/** Measures the same graph through the binding of onnxruntime-node, with its outputs as the next inputs. */
async function decodeBinding() {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const { fn, cache, tables, at, shape, capacity } = decoding();
  const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
  try {
    const files = {};
    const parts = [];
    let offset = 0;
    for (const [key, { data }] of Object.entries(weights)) {
      files[`weights/${key}`] = { location: 'weights.bin', offset };
      parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      offset += data.byteLength;
    }
    writeFileSync(join(folder, 'weights.bin'), Buffer.concat(parts));
    const spec = { dtype: 'float32', shape };
    const table = { dtype: 'float32', shape: [capacity, config.headDim / 2] };
    const path = join(folder, 'decode.onnx');
    const specs = {
      weights: Object.fromEntries(
        Object.entries(weightShapes(config)).map(([key, size]) => [key, { dtype: 'float32', shape: size }]),
      ),
      tables: { keys: { cos: table, sin: table }, queries: { cos: table, sin: table } },
      cache: Object.fromEntries(Object.keys(cache).map((layer) => [layer, { keys: spec, values: spec }])),
      tokens: { dtype: 'int32', shape: [batch] },
      positions: { dtype: 'int32', shape: [batch] },
    };
    await exportOnnx(fn, specs, path, { files });
    const session = await InferenceSession.create(path, { intraOpNumThreads: threadCount() });
    const tensor = ({ dtype, data, shape: size }) => new Tensor(dtype, data, size);
    const feeds = {};
    for (const kind of ['keys', 'queries']) {
      for (const part of ['cos', 'sin']) feeds[`tables/${kind}/${part}`] = tensor(tables[kind][part]);
    }
    for (const [layer, { keys, values }] of Object.entries(cache)) {
      feeds[`cache/${layer}/keys`] = tensor(keys);
      feeds[`cache/${layer}/values`] = tensor(values);
    }
    const all = await timed(steps, async (i) => {
      const { tokens: next, positions } = at(i);
      const out = await session.run({ ...feeds, tokens: tensor(next), positions: tensor(positions) });
      for (const key of Object.keys(feeds)) if (key.startsWith('cache/')) feeds[key] = out[`out:${key}`];
    });
    return { all, work: batch };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Measures the same function, one operation at a time, on a backend of TensorFlow.js. */
async function tfjs() {
  const backend = process.argv[7];
  if (backend === 'wasm') {
    await import('@tensorflow/tfjs-backend-wasm');
    // Its threads are workers of a browser.
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  } else {
    await import('@tensorflow/tfjs-backend-cpu');
  }
  tf.env().set('IS_NODE', false);
  await tf.setBackend(backend);
  const tensors = Object.fromEntries(
    Object.entries(weights).map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape])]),
  );
  const ids = tokens(batch, length);
  const input = tf.tensor2d(ids.data, [batch, length], 'int32');
  const last = tf.tensor1d(lastPositions().data, 'int32');
  const all = await timed(steps, async () => {
    const logits = tf.tidy(() => vocabularyLogits(config, tensors, stateAt(config, tensors, input, last)));
    await logits.data();
    logits.dispose();
  });
  return { all, work: batch * length };
}

const cases = { train, prefill, 'int8-prefill': int8Prefill, decode, 'decode-binding': decodeBinding, tfjs };
const result = await cases[name]();
const peakMemory = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ ...result, seconds: median(result.all), peakMemory }));
