/**
 * A short run of a method in the directory that is named on the command line: `ppo` of all weights; or an adapter, by `ppo` with a value
 * head on its states, by `grpo` or by `rloo`. With two more numbers, n and m, the process kills itself m milliseconds after its n-th
 * step, in the middle of whatever it does then: SIGKILL leaves no time to put things right.
 */
import { createRandom } from '@gram/base';
import { initAdapter, initWeights } from '@gram/model';
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
const [output, method, steps, milliseconds] = process.argv.slice(2);
const advantages = { ppo: 'gae', 'adapter-ppo': 'gae', 'adapter-grpo': 'grpo', 'adapter-rloo': 'rloo' }[method];
const isAdapter = method.startsWith('adapter');
const weights = initWeights(config, createRandom(7, 'policy'));
const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
const policy = {
  config,
  weights,
  ...(isAdapter && { adapter: { lora, weights: initAdapter(config, lora, weights, createRandom(7, 'adapter')) } }),
  gram: { chat: plainChat.id, maxLength: 64 },
};
let done = 0;
const named = (texts) => texts.map((prompt) => ({ id: prompt, prompt }));
await ppo({
  policy,
  ...(advantages === 'gae' && { value: valueModelFrom(policy, { sharesPolicy: isAdapter }) }),
  tokenizer,
  encoder,
  prompts: named(['go', 'tell me', 'what is it?', 'why']),
  validation: named(['yes or no', 'the cat sat']),
  reward: (groups) =>
    groups.map(({ responses }) => responses.map((text) => (text.match(/[a-z]/g) ?? []).length)),
  options: {
    steps: isAdapter ? 12 : 24,
    maxNewTokens: 6,
    batchSize: isAdapter ? 4 : 8,
    miniBatchSize: 4,
    epochs: 1,
    advantages,
    ...(advantages === 'gae' && { valueOnlySteps: 2 }),
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
