import { longestSequence, type ModelConfig } from '../config/model-config.js';
import { ModelError } from '../error.js';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of each token id: the vocabulary of the model and the added tokens, which win. */
function tokensById(tokenizer: Record<string, unknown>): Map<number, string> {
  const tokens = new Map<number, string>();
  const vocab = isRecord(tokenizer.model) && isRecord(tokenizer.model.vocab) ? tokenizer.model.vocab : {};
  for (const [token, id] of Object.entries(vocab)) {
    if (typeof id === 'number') tokens.set(id, token);
  }
  for (const added of Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens : []) {
    if (isRecord(added) && typeof added.id === 'number' && typeof added.content === 'string') {
      tokens.set(added.id, added.content);
    }
  }
  return tokens;
}

function parseTokenizer(tokenizerJson: string): Record<string, unknown> {
  try {
    const tokenizer: unknown = JSON.parse(tokenizerJson);
    if (isRecord(tokenizer)) return tokenizer;
  } catch {
    // Reported below.
  }
  throw new ModelError(
    'bad-tokenizer',
    'the tokenizer is not a JSON object',
    'pass the text of tokenizer.json',
  );
}

/**
 * The `tokenizer_config.json` with which transformers' `AutoTokenizer` loads a `tokenizer.json`. The special
 * tokens are those whose ids the model's configuration names.
 */
export function tokenizerConfig(tokenizerJson: string, config: ModelConfig): Record<string, unknown> {
  const tokens = tokensById(parseTokenizer(tokenizerJson));
  const text = (field: string, id: number | undefined) => {
    if (id === undefined) return {};
    const token = tokens.get(id);
    if (token !== undefined) return { [field]: token };
    throw new ModelError(
      'bad-tokenizer',
      `the tokenizer has no token ${id}, the ${field} of the model`,
      'save the model with the tokenizer it was trained with',
    );
  };
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: longestSequence(config),
    // The default adds token_type_ids, which a Llama model refuses.
    model_input_names: ['input_ids', 'attention_mask'],
    clean_up_tokenization_spaces: false,
    ...text('bos_token', config.bosTokenId),
    ...text('eos_token', [config.eosTokenId ?? []].flat()[0]),
    ...text('pad_token', config.padTokenId),
  };
}
