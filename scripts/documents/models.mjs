// The files that the examples of the documents read, small enough to be made each time: a judge and a policy of one
// layer with random weights, and a few pairs.
import { join } from 'node:path';
import { writeJsonl } from '@gram/data';
import { initWeights, parseConfig, saveModel } from '@gram/model';
import { plainChat, trainBpe } from '@gram/tokenize';

const TEXTS = ['What is 2 + 2? It is 4.', 'Name a prime. 7 is one, and nine is none.', 'Name a color. Red.'];

const PAIRS = [
  { id: '1', prompt: 'What is 2 + 2?', chosen: '4', rejected: 'About 5.' },
  { id: '2', prompt: 'Name a prime.', chosen: '7', rejected: '9' },
];

/** Writes them into a folder under the names that the documents use. */
export async function writeExampleFiles(folder) {
  const { specialTokens } = plainChat;
  const tokenizerJson = JSON.stringify(trainBpe({ texts: TEXTS, vocabSize: 300, specialTokens }));
  const config = parseConfig(
    {
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      vocab_size: 320,
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      max_position_embeddings: 512,
      tie_word_embeddings: true,
    },
    'the model of the examples',
  );
  // Any numbers will do, as long as they are the same each time.
  let drawn = 0;
  const weights = initWeights(config, { normal: () => Math.sin(drawn++ * 12.9898) });
  const shared = { format: 1, chat: 'gram-plain-1', maxLength: 512 };
  const judge = { ...shared, kind: 'generative', judgePrompt: 'gram-compact-1' };
  const policy = { ...shared, kind: 'policy' };
  await saveModel(join(folder, 'runs/judge/model'), { config, weights, gram: judge, tokenizerJson });
  await saveModel(join(folder, 'runs/sft/model'), { config, weights, gram: policy, tokenizerJson });
  await saveModel(join(folder, 'models/base'), { config, weights, tokenizerJson });
  await writeJsonl(join(folder, 'pairs.jsonl'), PAIRS);
}
