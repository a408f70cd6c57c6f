// A short run of PPO in the folder that is named on the command line. As a program that uses the library has to, it passes
// SIGTERM on to the run, which saves and ends.
import { createRandom } from '@gram/base';
import { initWeights } from '@gram/model';
import { ppo, valueModelFrom } from '@gram/ppo';
import { createChatEncoder, plainChat, tokenizerFromJson } from '@gram/tokenize';
import { config as tinyConfig, tokenizer as tokenizerJson } from '../targets/tiny.mjs';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const tokenizer = tokenizerFromJson(tokenizerJson);
const encoder = await createChatEncoder({ tokenizer, chat: plainChat, maxLength: 64, overlong: 'error' });
const config = { ...tinyConfig, vocabSize: tokenizer.vocabSize };
const policy = {
  config,
  weights: initWeights(config, createRandom(7, 'policy')),
  gram: { chat: plainChat.id, maxLength: 64 },
};
const named = (texts) => texts.map((prompt) => ({ id: prompt, prompt }));
const letters = (text) => (text.match(/[a-z]/g) ?? []).length;
try {
  await ppo({
    policy,
    value: valueModelFrom(policy),
    tokenizer,
    encoder,
    prompts: named(['go', 'tell me', 'what is it?', 'why']),
    validation: named(['yes or no', 'the cat sat']),
    reward: (groups) => groups.map(({ responses }) => responses.map(letters)),
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
    output: process.argv[2],
    resume: true,
    signal: stop.signal,
  });
} catch (error) {
  if (stop.signal.aborted) process.exitCode = 130;
  else if (error.hint === undefined) throw error;
  else {
    console.error(`gram: ${error.message}; ${error.hint}`);
    process.exitCode = 1;
  }
}
