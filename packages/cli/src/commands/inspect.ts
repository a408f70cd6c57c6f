import { quote } from '@gram/base';
import { diagnose, weightRate } from '@gram/engine';
import {
  bytesPerToken,
  cacheBytes,
  forwardFlop,
  inspectModel,
  kindOf,
  longestSequence,
  type ModelConfig,
  type ModelInfo,
  type PeakMemory,
  parameterCount,
  peakMemory,
  resolveModel,
  type TrainingMemory,
  trainingBytes,
  trainingMemory,
  type WeightPrecision,
  weightBytes,
} from '@gram/model';
import { textTable } from '@gram/report';
import { createOptimizer, optimizerNames } from '@gram/train';
import { defineCommand } from '../command.js';
import { withDownload } from '../models/download.js';
import { modelOperand } from '../models/model-flags.js';

/** Workload of the estimates: a judged pair of a usual length, in both orders. */
const PAIR_TOKENS = 1024;
/** A generated text of a usual length. */
const TEXT_TOKENS = 1024;
/** The uses whose peak is estimated: a judged pair in both orders, and one text. */
const USES = [
  { name: 'judging a pair', kind: 'judge', rows: 2, tokens: PAIR_TOKENS },
  { name: 'writing a text', kind: 'generate', rows: 1, tokens: TEXT_TOKENS },
] as const;
const LORA = { rank: 16, alpha: 32, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] } as const;
/** The optimizers, which differ in what they remember of the gradients. */
const TRAINING = optimizerNames.map((name) => ({
  name,
  optimizer: createOptimizer({ name, weightDecay: 0 }),
}));
const PRECISIONS: readonly WeightPrecision[] = ['float32', 'int8', 'int4'];

/** Memory and time that one device would need for the model. */
interface DeviceEstimate {
  readonly device: string;
  /** Seconds to judge a pair in both orders; undefined where the device's speed is not known. */
  readonly secondsPerPair?: number;
  /** Generated tokens per second of one text, at most. */
  readonly tokensPerSecond?: number;
}

/** `gram inspect`: what a model is and what it would cost, before it is loaded. */
export const inspectCommand = defineCommand({
  operands: {
    model: modelOperand,
  },
  flags: { json: { help: 'print JSON' } },
  example: 'gram inspect HuggingFaceTB/SmolLM2-135M-Instruct',
  cost: 'a download where the model is on the hub; a few products on each device',
  async run({ model, json }, io) {
    const path = await withDownload(io, (options) => resolveModel(model, options));
    const info = await inspectModel(path);
    const devices = await estimateDevices(info.config);
    if (json) {
      io.stdout.write(`${JSON.stringify({ path, ...info, ...memoryOf(info.config), devices })}\n`);
      return;
    }
    io.stdout.write(`${describe(info)}\n\n${memoryTable(info.config)}\n\n${deviceTable(devices)}\n`);
  },
});

function memoryOf(config: ModelConfig) {
  return {
    parameters: parameterCount(config),
    weightBytes: Object.fromEntries(
      PRECISIONS.map((precision) => [precision, weightBytes(config, precision)]),
    ),
    peakBytes: Object.fromEntries(
      USES.map(({ kind, ...size }) => [
        kind,
        Object.fromEntries(
          PRECISIONS.map((precision) => [precision, peakMemory(config, { ...size, kind, precision })]),
        ),
      ]),
    ),
    cacheBytesPerToken: cacheBytes(config, 1),
    trainingBytes: { full: trainingBytes(config), lora: trainingBytes(config, LORA) },
    training: Object.fromEntries(
      TRAINING.map(({ name, optimizer }) => [
        name,
        {
          full: trainingMemory(config, { optimizer }),
          lora: trainingMemory(config, { optimizer, lora: LORA }),
        },
      ]),
    ),
  };
}

function describe({ config, gram, stored, ignored, bytes }: ModelInfo): string {
  const { numAttentionHeads: heads, numKeyValueHeads: groups } = config;
  const rows: [string, string][] = [
    ['architecture', config.architecture],
    ['parameters', parameterCount(config).toLocaleString('en-US')],
    [
      'layers',
      `${config.numHiddenLayers} of width ${config.hiddenSize}, feed-forward ${config.intermediateSize}`,
    ],
    ['attention', `${heads} heads of ${config.headDim}, ${groups} of keys and values`],
    [
      'vocabulary',
      `${config.vocabSize.toLocaleString('en-US')}${config.tieWordEmbeddings ? ', tied head' : ''}`,
    ],
    ['longest sequence', `${longestSequence(config).toLocaleString('en-US')} tokens`],
    ['positions', positionsOf(config)],
    ...(config.slidingWindow === undefined ? [] : [['window', windowsOf(config)] as [string, string]]),
    [
      'files',
      `${gigabytes(bytes)}: ${stored.map(({ type, tensors }) => `${tensors} tensors ${type}`).join(', ')}`,
    ],
    ...(ignored.length === 0 ? [] : [['ignored', ignoredText(ignored)] as [string, string]]),
    ['use', gram === undefined ? plainUse(config) : `${gram.kind} model of gram`],
  ];
  return textTable({ columns: [{ name: 'model' }, { name: '' }], rows });
}

function ignoredText(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(quote).join(', ');
  return `${names.length} tensors that are no weights of the model: ${shown}${names.length > 3 ? ', ...' : ''}`;
}

function positionsOf({ ropeTheta, ropeScaling }: ModelConfig): string {
  const scaling = ropeScaling && `, ${ropeScaling.type} scaling by ${ropeScaling.factor}`;
  return `rotary, base ${ropeTheta}${scaling ?? ''}`;
}

function windowsOf({ slidingWindow = 0, layerTypes, numHiddenLayers }: ModelConfig): string {
  const layers = layerTypes?.filter((type) => type === 'sliding_attention').length ?? numHiddenLayers;
  return `${slidingWindow.toLocaleString('en-US')} positions in ${layers} of ${numHiddenLayers} layers`;
}

function plainUse(config: ModelConfig): string {
  return kindOf(config).head === 'score' ? 'scores a text' : 'language model';
}

function memoryTable(config: ModelConfig): string {
  const rows: [string, string][] = [
    ...PRECISIONS.map((precision): [string, string] => [
      `weights, ${precision}`,
      gigabytes(weightBytes(config, precision)),
    ]),
    ...USES.flatMap(({ name, ...use }) =>
      PRECISIONS.map((precision): [string, string] => [
        `peak of ${name} of ${use.tokens} tokens, ${precision}`,
        peakText(peakMemory(config, { ...use, precision })),
      ]),
    ),
    [`keys and values of ${TEXT_TOKENS} tokens`, gigabytes(cacheBytes(config, TEXT_TOKENS))],
    ...TRAINING.flatMap(({ name, optimizer }): [string, string][] => [
      [`training everything with ${name}`, trainingText(trainingMemory(config, { optimizer }))],
      [
        `training LoRA of rank ${LORA.rank} with ${name}`,
        trainingText(trainingMemory(config, { optimizer, lora: LORA })),
      ],
    ]),
  ];
  return textTable({ columns: [{ name: 'memory' }, { name: '' }], rows });
}

/** The peak of a process on the CPU, and that of the first one where packing takes more. */
function peakText({ opened, packing }: PeakMemory): string {
  const first = packing > opened ? `, ${gigabytes(packing)} the first time` : '';
  return `about ${gigabytes(opened)}${first}`;
}

/** The memory of training without activations, as a sum and its parts. */
function trainingText({ weights, gradients, moments }: TrainingMemory): string {
  const parts = `weights ${gigabytes(weights)}, gradients ${gigabytes(gradients)}, moments ${gigabytes(moments)}`;
  return `${gigabytes(weights + gradients + moments)} without activations: ${parts}`;
}

async function estimateDevices(config: ModelConfig): Promise<DeviceEstimate[]> {
  const estimates: DeviceEstimate[] = [];
  for (const report of await diagnose()) {
    if (!report.works) continue;
    const { device, rate } = report;
    if (rate === undefined || device === 'tensorflow') {
      estimates.push({ device });
      continue;
    }
    const reading = await weightRate(device);
    estimates.push({
      device,
      secondsPerPair: (2 * forwardFlop(config, PAIR_TOKENS, 0)) / rate,
      tokensPerSecond: reading / bytesPerToken(config),
    });
  }
  return estimates;
}

function deviceTable(estimates: readonly DeviceEstimate[]): string {
  const rows = estimates.map(({ device, secondsPerPair, tokensPerSecond }) => [
    device,
    secondsPerPair === undefined ? 'not measured' : `${secondsPerPair.toPrecision(2)} s`,
    tokensPerSecond === undefined ? 'not measured' : `${tokensPerSecond.toPrecision(2)} tokens/s`,
  ]);
  const columns = [
    { name: 'device' },
    { name: `judging a pair of ${PAIR_TOKENS} tokens` },
    { name: 'writing one text, at most' },
  ];
  return textTable({ columns, rows });
}

function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
