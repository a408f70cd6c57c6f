/**
 * A short run in the directory that is named on the command line. With two more numbers, n and m, the process kills itself
 * m milliseconds after its n-th step, in the middle of whatever it does then: SIGKILL leaves no time to put things right.
 */
import { createRandom } from '@gram/base';
import { initWeights } from '@gram/model';
import { ppo, valueModelFrom } from '@gram/ppo';
import { createChatEncoder, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';

const tokenizer = tokenizerFromJson(
  trainBpe({ texts: ['a b'], vocabSize: 260, specialTokens: plainChat.specialTokens }),
);
const encoder = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 64, overlong: 'error' });
const config = {
  architecture: 'LlamaForCausalLM',
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 1,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: false,
};
const policy = {
  config,
  weights: initWeights(config, createRandom(7, 'policy')),
  gram: { chat: plainChat.id, maxLength: 64 },
};
const [output, steps, milliseconds] = process.argv.slice(2);
let done = 0;
const named = (texts) => texts.map((prompt) => ({ id: prompt, prompt }));
await ppo({
  policy,
  value: valueModelFrom(policy),
  tokenizer,
  encoder,
  prompts: named(['go', 'tell me', 'what is it?', 'why']),
  validation: named(['yes or no', 'the cat sat']),
  reward: (groups) =>
    groups.map(({ responses }) => responses.map((text) => (text.match(/[a-z]/g) ?? []).length)),
  options: {
    steps: 24,
    maxNewTokens: 6,
    batchSize: 8,
    miniBatchSize: 4,
    epochs: 1,
    valueOnlySteps: 2,
    policyLearningRate: 3e-3,
    evaluateEvery: 3,
    checkpointEvery: 2,
    seed: 5,
  },
  output,
  resume: true,
  onStep() {
    if (++done === Number(steps)) setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(milliseconds));
  },
});
