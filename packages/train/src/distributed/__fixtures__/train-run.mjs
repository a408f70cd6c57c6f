/**
 * Short runs on all ranks that a launcher starts, one after the other, as the JSON on the command line lists them:
 *
 *     [{ device, sharding, bucketBytes, optimizer, adapter, microBatchSize, epochs, save: [DIRECTORY, STEP], resume: DIRECTORY, poison: RANK, values: FILE }]
 *
 * Rank 0 prints one line of JSON for each run and rank: its history and a hash of its weights. `save` writes a checkpoint after a step, on
 * rank 0, and stops there; `poison` makes the loss of one rank's examples infinite; `values` writes the weights, then the
 * moments, that rank 0 has at the end. The device `cuda` is that of the CUDA rig; then the line also has the shapes of the weights (on
 * rank 0), the bytes that came from other ranks by NCCL, those of gradients as the communicator counts them, and what was copied
 * between device and host. `bucketBytes` is the size of the groups in which GPUs sum gradients, by default small enough for several.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRandom } from '@gram/base';
import { computeOnRig, openCudaRig } from '@gram/engine/testing';
import { initAdapter, initWeights } from '@gram/model';
import {
  adafactor,
  adamW,
  adapterPart,
  connect,
  detectRank,
  gatherValues,
  loadAdapterCheckpoint,
  loadCheckpoint,
  localGpu,
  preference,
  saveCheckpoint,
  sgd,
  train,
} from '@gram/train';

const runs = JSON.parse(process.argv[2]);
const rig = runs.some(({ device }) => device === 'cuda') ? await openRig() : undefined;
const communicator = await connect({ stallSeconds: 30, onStuck: () => process.kill(process.pid, 'SIGKILL') });
const { rank } = communicator;

const config = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 20,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 32,
  tieWordEmbeddings: true,
};
const examples = Array.from({ length: 52 }, (_, i) => {
  const random = createRandom(1, 'example', i);
  const label = random.integer(2);
  return {
    ids: [2 + label, ...Array.from({ length: 3 + random.integer(8) }, () => 5 + random.integer(15))],
    label,
  };
});
for (const [run, options] of runs.entries()) await trainOnce(run, options);
await communicator.close();

/** Chooses a GPU of the rig, on which graphs then compute. */
async function openRig() {
  process.env.CUDA_VISIBLE_DEVICES = localGpu(detectRank(), process.env.CUDA_VISIBLE_DEVICES);
  const opened = openCudaRig();
  await computeOnRig();
  return opened;
}

async function trainOnce(run, {
  device = 'cpu',
  sharding = 'none',
  bucketBytes = 2048,
  optimizer: rule = 'adamw',
  adapter = false,
  microBatchSize = 4,
  epochs = 2,
  save,
  resume,
  poison,
  values,
}) {
const optimizer = { adamw: adamW({ weightDecay: 0.01 }), sgd: sgd({ momentum: 0.9 }), adafactor: adafactor() }[
  rule
];
const base = initWeights(config, createRandom(2, 'weights'));
const lora = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'], dropout: 0.2 };
// Only rank 0 begins with the right weights: the others get them from it.
const seed = rank === 0 ? 3 : 4;
let weights = adapter
  ? initAdapter(config, lora, base, createRandom(seed, 'adapter'))
  : initWeights(config, createRandom(seed, 'own'));
let state;
if (resume !== undefined && rank === 0) {
  const checkpoint = adapter
    ? await loadAdapterCheckpoint(resume, optimizer, config)
    : await loadCheckpoint(resume, optimizer);
  weights = (checkpoint.adapter ?? checkpoint.model).weights;
  state = checkpoint;
}
const gram = { format: 1, kind: 'generative', judgePrompt: 'p', chat: 'c', maxLength: 32 };
const trained = adapter
  ? { adapter: { lora, weights }, config, base: 'base' }
  : { model: { config, weights, gram } };

const objective = preference({ labels: [0, 1], labelSmoothing: 0 });
const batch = (...args) => {
  const arrays = objective.batch(...args);
  if (poison === rank) arrays.weights.data.fill(Number.POSITIVE_INFINITY);
  return arrays;
};
const stop = new AbortController();
let history = [];
let failure;
const before = rig && { traffic: rig.traffic(), gradients: gradientTraffic(), copies: rig.counts() };
try {
  const final = await train({
    config,
    weights,
    device,
    part: adapter ? adapterPart(config, lora, base, 9) : undefined,
    objective: { ...objective, batch },
    examples,
    options: { learningRate: 5e-3, optimizer, batchSize: 12, microBatchSize, epochs, seed: 5 },
    resume: state,
    communicator: withBuckets(bucketBytes),
    optimizerSharding: sharding,
    needsState: (step) => step === save?.[1],
    signal: stop.signal,
    async onStep(record, current) {
      history.push(record);
      if (record.step !== save?.[1]) return;
      await saveCheckpoint(save[0], trained, current);
      stop.abort();
    },
  });
  history = final.history;
  if (values !== undefined && rank === 0) writeFileSync(values, allValues(weights, final.moments));
} catch (error) {
  failure = error.code ?? error.name;
}
const hash = createHash('sha256');
for (const { data } of Object.values(weights)) hash.update(data);
const onGpus = before && {
  ...(rank === 0 && { shapes: Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, { shape }])) }),
  traffic: difference(rig.traffic(), before.traffic),
  gradients: difference(gradientTraffic(), before.gradients),
  copies: difference(rig.counts(), before.copies),
};
// One writer: lines of several ranks would run into each other.
const outcome = { run, rank, failure, history, hash: hash.digest('hex'), ...onGpus };
for (const each of await gatherValues(communicator, outcome)) {
  if (rank === 0) console.log(JSON.stringify(each));
}
}

/** The communicator, whose GPUs sum gradients in groups of at least so many bytes. */
function withBuckets(bucketBytes) {
  const { gpus } = communicator;
  return { ...communicator, ...(gpus && { gpus: async (device) => ({ ...(await gpus(device)), bucketBytes }) }) };
}

function gradientTraffic() {
  return communicator.gradientTraffic?.() ?? { received: 0, overlapped: 0 };
}

function difference(after, before) {
  return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - before[name]]));
}

/** The bytes of weights and moments, in the order of the names of the weights. */
function allValues(weights, moments) {
  const names = Object.keys(weights);
  const slots = Object.keys(moments).sort();
  const arrays = [weights, ...slots.map((slot) => moments[slot])].flatMap((named) =>
    names.flatMap((name) => (named[name] === undefined ? [] : [named[name].data])),
  );
  return Buffer.concat(arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)));
}
