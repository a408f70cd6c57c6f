const hh = (part) => ({ path: `hh-rlhf/${part}.jsonl.gz`, format: 'hh-rlhf' });
const rmb = (part) => ({ path: `rmb/pairwise-${part}.jsonl.gz`, format: 'rmb' });
const llmbar = (part) => ({ path: `llmbar/${part}.json`, format: 'llmbar' });

/** The same training of every judge, so that arms differ in what their names say. */
const judging = {
  learningRate: 5e-4,
  batchSize: 16,
  microBatchSize: 4,
  warmupRatio: 0.1,
  weightDecay: 0,
  beta2: 0.999,
  /** Few labels are read more often. */
  epochs: { 300: 2, 1000: 1, all: 1 },
};

/**
 * The questions of the laptop's study on text that people and released models wrote, with a released model: does stage 1 help a judge
 * that gets few labels? The data and the model lie elsewhere, see the README. Every number was set before the first run.
 */
export const small = {
  name: 'small',
  source: {
    kind: 'files',
    directory: '.',
    /** In the directory of the data, unless `--model` says where it is. */
    model: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    /** Stage 1 reads pairs of these, without labels. */
    unlabeled: {
      'alpaca-eval': { path: 'alpaca-eval/responses.jsonl.gz', format: 'outputs' },
      'arena-hard': { path: 'arena-hard/responses.jsonl.gz', format: 'outputs' },
      dsp: { path: 'dsp/domain-responses.jsonl.gz', format: 'outputs' },
      ultrafeedback: { path: 'ultrafeedback-sample/train.jsonl.gz', format: 'ultrafeedback' },
      'ultrafeedback eval': { path: 'ultrafeedback-sample/eval.jsonl.gz', format: 'ultrafeedback' },
      'dpo demo': { path: 'llamafactory-demo/dpo_en_demo.json.gz', format: 'sharegpt-pairs' },
      'topical-chat': { path: 'topical-chat/human-ratings.jsonl.gz', format: 'unieval' },
      rmb: { path: 'rmb/best-of-n.jsonl.gz', format: 'rmb-best-of-n' },
    },
    /** Labels are of these; a tenth of the prompts is held out for the test in distribution. */
    labeled: {
      helpful: hh('helpful-base'),
      harmless: hh('harmless-base'),
      'rmb helpfulness': rmb('helpfulness'),
      'rmb harmlessness': rmb('harmlessness'),
    },
    /** Tests out of distribution. */
    tests: {
      llmbar: {
        natural: llmbar('natural'),
        neighbor: llmbar('adver-neighbor'),
        'GPT instruction': llmbar('adver-GPTInst'),
        'GPT output': llmbar('adver-GPTOut'),
        manual: llmbar('adver-manual'),
      },
      hhh: { path: 'hhh-alignment/hhh.jsonl', format: 'preference' },
      xstest: { path: 'xstest/pairs.derived.jsonl.gz', format: 'preference' },
      webgpt: { path: 'webgpt/comparisons.jsonl.gz', format: 'webgpt' },
      /** The concise one of the three styles of a response. */
      'rm-bench': { path: 'rm-bench', format: 'rm-bench' },
    },
    /** Prompts that others test with: stage 1 does not read them either. */
    excluded: {
      pandalm: { path: 'pandalm/testset-v1.json.gz', format: 'pandalm' },
      faireval: llmbar('faireval'),
      'hh-rlhf helpful': hh('helpful-base'),
    },
  },
  texts: {
    /** Prompt and responses of a pair to learn from, in characters. */
    characters: 800,
    /** Pairs of one prompt that stage 1 reads. */
    pairsPerPrompt: 16,
    /** The tests out of distribution: the largest size of a pair, and the number of pairs, each of another prompt. */
    test: { characters: 1200, pairs: 150 },
  },
  /** SmolLM2-135M, for the dry run. */
  model: {
    vocabSize: 49_152,
    hiddenSize: 576,
    intermediateSize: 1536,
    numHiddenLayers: 30,
    numAttentionHeads: 9,
    numKeyValueHeads: 3,
    headDim: 64,
    tieWordEmbeddings: true,
  },
  judgePrompt: 'gram-compact-1',
  maxLength: 640,
  overlong: 'truncate',
  lora: {
    rank: 16,
    alpha: 32,
    targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  },
  /** Steps between two checkpoints of a run: what a stop loses at most. */
  checkpointEvery: 10,
  /** Stage 1, and the control arm that reads the same responses one at a time. */
  reading: {
    learningRate: 5e-4,
    batchSize: 16,
    microBatchSize: 4,
    warmupRatio: 0.1,
    weightDecay: 0,
    beta2: 0.999,
    epochs: 1,
  },
  judging: {
    likelihood: { ...judging, beta: 2 },
    generative: { ...judging, labelSmoothing: 0.1 },
    discriminative: { ...judging, labelSmoothing: 0 },
  },
  /** Seeds of what comes before the labels: the model as it is, after stage 1, and after the control arm. */
  starts: { base: [0], 'stage-1': [1, 2], control: [1] },
  /** The models computed for each number of labels; a seed draws its labels, and decides their order and a new score head. */
  judges: [
    { labels: 0, starts: ['base', 'stage-1', 'control'], seeds: [0] },
    { labels: 300, starts: ['base', 'stage-1', 'control'], seeds: [41, 42, 43] },
    { labels: 1000, starts: ['base', 'stage-1'], seeds: [41, 42, 43] },
    { labels: 'all', starts: ['base', 'stage-1'], seeds: [41] },
  ],
  /**
   * Amounts of text to read: pairs, and mean tokens of an example. Tokens a second are those of one thread of an EPYC without AVX-512 beside
   * other work, measured with stage 1 and with the label; the control arm and likelihood read the vocabulary as stage 1 does. Tests need
   * no gradient and are taken to be three times as fast. A dry run makes hours of it.
   */
  expected: {
    pool: 7183,
    labels: 2845,
    tokens: { pairs: 162, single: 104, likelihood: 245, generative: 170, discriminative: 228 },
    /** All tests together; a label is asked for in both orders. */
    testTokens: { likelihood: 246_000, generative: 371_000, discriminative: 240_000 },
    perSecond: { pairs: 64, single: 64, likelihood: 64, generative: 82, discriminative: 82, tests: 190 },
  },
  /** Declared before the first run: does stage 1 help the judge by likelihood with few labels, on the tests out of distribution? */
  primary: { readout: 'likelihood', starts: ['stage-1', 'base'], labels: 300 },
};
