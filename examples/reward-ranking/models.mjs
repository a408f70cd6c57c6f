import { createRandom } from '@gram/data';
import { initWeights, parameterCount, saveModel } from '@gram/model';
import { createProgress } from '@gram/report';
import { createDiscriminativeRewardModel, createGenerativeRewardModel } from '@gram/reward';
import { createPairEncoder, judgePrompt, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import {
  bradleyTerry,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
  pairGeneration,
  preference,
  train,
} from '@gram/train';
import { recipe } from './recipe.mjs';

/** Trains a byte-level BPE on texts of the world and makes the encoder of judge prompts. */
export async function makeEncoder(world) {
  const prompt = judgePrompt(recipe.judgePrompt);
  // The template's words stand in every input: seen often here, they become single tokens.
  const template = Array(100).fill(prompt.instruction + prompt.tail);
  const tokenizerJson = trainBpe({
    texts: [...world.corpus(recipe.data.tokenizerTexts), ...template],
    vocabSize: recipe.tokenizer.vocabSize,
    specialTokens: plainChat.specialTokens,
  });
  const tokenizer = tokenizerFromJson(tokenizerJson);
  const encoder = await createPairEncoder({
    tokenizer,
    prompt,
    chat: plainChat,
    maxLength: recipe.maxLength,
    overlong: 'error',
  });
  return { tokenizer, encoder };
}

/** One training run with its progress line; returns the steps for the loss curves. */
async function fit(label, { config, weights, objective, examples, learningRate }) {
  let progress;
  const { history } = await train({
    config,
    weights,
    objective,
    examples,
    options: { ...recipe.training, learningRate },
    onStep({ step, loss, accuracy }, _state, total) {
      progress ??= createProgress({ label, total, unit: 'steps' });
      progress.update(step, { loss, ...(accuracy === undefined ? {} : { accuracy }) });
    },
  });
  progress?.finish();
  return history;
}

/** The three models of the study, trained on the same labeled pairs from the same first weights. */
export async function trainModels({ tokenizer, encoder }, unlabeled, labeled, directory) {
  const config = { architecture: 'LlamaForCausalLM', vocabSize: tokenizer.vocabSize, ...recipe.model };
  const scorer = { ...config, architecture: 'LlamaForSequenceClassification' };
  const start = (of) => initWeights(of, createRandom(recipe.seed, 'weights'));
  const judge = (labelSmoothing) => preference({ labels: encoder.labelIds, labelSmoothing });
  const rates = recipe.learningRate;
  const labels = await encodePreferences(encoder, labeled, recipe.seed);
  const curves = [];
  const run = async (label, options) => curves.push({ name: label, history: await fit(label, options) });

  const foundation = start(config);
  const pairs = await encodeResponsePairs(encoder, unlabeled);
  await run('stage 1: write pairs', {
    config,
    weights: foundation,
    objective: pairGeneration,
    examples: pairs.examples,
    learningRate: rates.stage1,
  });
  await run('stage 2: label pairs', {
    config,
    weights: foundation,
    objective: judge(recipe.labelSmoothing),
    examples: labels.examples,
    learningRate: rates.stage2,
  });

  const vanilla = start(config);
  await run('generative, no stage 1', {
    config,
    weights: vanilla,
    objective: judge(0),
    examples: labels.examples,
    learningRate: rates.vanilla,
  });

  const discriminative = start(scorer);
  const sides = await encodeRewardPairs(encoder, labeled);
  await run('discriminative', {
    config: scorer,
    weights: discriminative,
    objective: bradleyTerry(),
    examples: sides.examples,
    learningRate: rates.discriminative,
  });

  const models = [
    ['GRAM, two stages', 'two-stage', 'generative', config, foundation],
    ['generative, no stage 1', 'vanilla', 'generative', config, vanilla],
    ['discriminative', 'discriminative', 'discriminative', scorer, discriminative],
  ];
  const result = [];
  for (const [name, folder, kind, of, weights] of models) {
    await saveModel(`${directory}/${folder}`, {
      config: of,
      weights,
      gram: {
        format: 1,
        kind,
        judgePrompt: recipe.judgePrompt,
        chat: plainChat.id,
        maxLength: recipe.maxLength,
        training: { data: 'synthetic world', seed: recipe.seed, labeled: labeled.length },
      },
      tokenizerJson: tokenizer.json,
    });
    const create = kind === 'generative' ? createGenerativeRewardModel : createDiscriminativeRewardModel;
    result.push({
      name,
      folder,
      model: create({ config: of, weights, encoder }),
      parameters: parameterCount(of),
    });
  }
  return { models: result, curves };
}
