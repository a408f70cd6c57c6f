import { BACKBONES } from './dry-run/backbones.mjs';

/** Settings that the recipes of the three studies share: the models, and how the judges are trained. */

/** Share of the steps that warm up in every run, as in the authors' configuration. */
const warmupRatio = 0.1;

const laptopTraining = { batchSize: 32, epochs: 1, warmupRatio, weightDecay: 0.01, beta2: 0.98 };

/** The same training for every judge, so that arms differ in what their names say. */
const laptopJudging = {
  ...laptopTraining,
  batchSize: 16,
  epochs: 8,
  learningRate: 1e-3,
};

/**
 * A model of 0.35 million parameters that learns the synthetic world in about a minute on one core, and the judges that are made
 * of it. The studies share these stages: what one computed the others read.
 */
export const laptopJudges = {
  source: {
    kind: 'world',
    /** Stage 1 reads pairs of all families, as broad text would hold them; labels are of the training families only. */
    unlabeledFamilies: 'all',
    /** Who wrote the two responses of an unlabeled pair. */
    writers: 'consistent',
    /** All seeds are measured on the same pairs and prompts, which no seed trains on. */
    testSeed: 0,
  },
  tokenizer: { vocabSize: 768 },
  judgePrompt: 'gram-compact-1',
  maxLength: 1024,
  overlong: 'error',
  model: {
    hiddenSize: 64,
    intermediateSize: 192,
    /** With three, stage 2 does not read out what stage 1 knows: see the search and the questions of reward ranking. */
    numHiddenLayers: 6,
    numAttentionHeads: 4,
    numKeyValueHeads: 4,
    headDim: 16,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 1024,
    tieWordEmbeddings: true,
    /** 1 / sqrt(hiddenSize): narrow models learn sooner with it than with 0.02. */
    standardDeviation: 0.125,
  },
  data: {
    /** Prompts and responses as texts of their own, which the model that every arm starts from has read. */
    texts: 16_000,
    /** Pairs of responses without labels, for stage 1. */
    unlabeled: 16_000,
    /** Texts that the tokenizer is trained on. */
    tokenizerTexts: 4000,
  },
  base: { ...laptopTraining, learningRate: 3e-3 },
  /** All seeds start from one model, as studies of released models do. */
  baseSeed: 1,
  /** Stage 1 reads both responses of a pair, one after the other; `single` ones tell pairs from text. */
  form: 'pairs',
  stage1: { ...laptopTraining, learningRate: 3e-3 },
  stage2: { ...laptopJudging, labelSmoothing: 0.1 },
  vanilla: { ...laptopJudging, labelSmoothing: 0 },
  discriminative: laptopJudging,
  /** Beyond two readings nothing was gained: see the search of reward ranking. */
  likelihood: { ...laptopJudging, epochs: 2, beta: 2 },
};

/** The same with sizes of seconds: the stages, arms and report of a study, to see that it runs. Its figures mean nothing. */
export const tinyJudges = {
  ...laptopJudges,
  model: { ...laptopJudges.model, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 1, headDim: 4 },
  data: { texts: 48, unlabeled: 32, tokenizerTexts: 200 },
  stage2: { ...laptopJudges.stage2, epochs: 1 },
  vanilla: { ...laptopJudges.vanilla, epochs: 1 },
  discriminative: { ...laptopJudges.discriminative, epochs: 1 },
  likelihood: { ...laptopJudges.likelihood, epochs: 1 },
};

/** Settings of every run of the paper's configuration that could not be confirmed. */
export const paperTraining = { warmupRatio, weightDecay: 0, maxGradientNorm: 1, seed: 1 };

/**
 * The paper's hyper-parameters that the studies share. Models and data are read from files: a pretrained chat model and
 * the pairs of Unified-Feedback. What `known` does not list could not be confirmed and is our choice.
 */
export const paperBase = {
  name: 'paper',
  known: {
    'data.unlabeled': 'paper',
    'data.labeled': 'paper',
    judgePrompt: 'authors, in our words',
    maxLength: "authors' configuration",
    'model.vocabSize': 'Llama-3.1-8B',
    'model.hiddenSize': 'Llama-3.1-8B',
    'model.intermediateSize': 'Llama-3.1-8B',
    'model.numHiddenLayers': 'Llama-3.1-8B',
    'model.numAttentionHeads': 'Llama-3.1-8B',
    'model.numKeyValueHeads': 'Llama-3.1-8B',
    'model.headDim': 'Llama-3.1-8B',
    'model.tieWordEmbeddings': 'Llama-3.1-8B',
    'stage1.learningRate': 'paper',
    'stage1.epochs': 'paper',
    'stage1.batchSize': "authors' configuration",
    'stage1.warmupRatio': "authors' configuration",
    'stage2.learningRate': 'paper',
    'stage2.epochs': 'paper',
    'stage2.batchSize': "authors' configuration",
    'stage2.warmupRatio': "authors' configuration",
    'stage2.labelSmoothing': 'paper',
    'vanilla.learningRate': 'paper',
    'vanilla.epochs': 'paper',
    'vanilla.batchSize': 'paper',
    'discriminative.learningRate': 'paper',
    'discriminative.epochs': 'paper',
    'discriminative.batchSize': 'paper',
  },
  source: {
    kind: 'files',
    directory: '.',
    model: 'Llama-3.1-8B-Instruct',
    unlabeled: { path: 'unified-feedback.jsonl.gz', format: 'preference' },
    labeled: { path: 'unified-feedback.jsonl.gz', format: 'preference' },
  },
  /** Stage 1 writes pairs of responses. */
  form: 'pairs',
  data: { unlabeled: 400_000, labeled: 400_000 },
  judgePrompt: 'gram-eval-1',
  maxLength: 2048,
  overlong: 'truncate',
  model: BACKBONES['Llama-3.1-8B'],
  /** The machine that the costs of a dry run are stated for, and mean tokens of an example: our estimates. */
  machine: {
    gpus: 8,
    /** GiB of each. */
    memory: 80,
    /** Sustained in training, of each. */
    teraflops: 200,
    /** Tokens per second that each writes with a batch of responses. */
    writtenPerSecond: 2000,
    tokens: {
      'pair generation': 600,
      preference: 750,
      /** Both responses, each after the prompt. */
      'Bradley-Terry': 700,
      'supervised fine-tuning': 350,
      'PPO policy': 350,
      'PPO value': 350,
    },
  },
  stage1: { ...paperTraining, learningRate: 2e-5, epochs: 1, batchSize: 256, microBatchSize: 2 },
  stage2: {
    ...paperTraining,
    learningRate: 1e-5,
    epochs: 1,
    batchSize: 128,
    microBatchSize: 4,
    labelSmoothing: 0.1,
  },
  vanilla: {
    ...paperTraining,
    learningRate: 1e-5,
    epochs: 1,
    batchSize: 256,
    microBatchSize: 4,
    labelSmoothing: 0,
  },
  discriminative: { ...paperTraining, learningRate: 1e-5, epochs: 1, batchSize: 256, microBatchSize: 4 },
};
