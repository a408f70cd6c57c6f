import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../error.js';
import { exists, withFile } from '../files/read.js';
import { readGgufTokenizer } from '../gguf/load-gguf.js';

/** Texts of the files that stand beside a model's weights; those that are there. */
export interface Companions {
  /** `tokenizer.json` */
  readonly tokenizerJson?: string;
  /** `tokenizer_config.json` */
  readonly tokenizerConfigJson?: string;
  /** `generation_config.json` */
  readonly generationConfigJson?: string;
  /** `chat_template.jinja` */
  readonly chatTemplate?: string;
}

export const COMPANION_FILES = {
  tokenizerJson: 'tokenizer.json',
  tokenizerConfigJson: 'tokenizer_config.json',
  generationConfigJson: 'generation_config.json',
  chatTemplate: 'chat_template.jinja',
} as const satisfies Record<keyof Companions, string>;

// Larger than any published tokenizer.json.
const MAX_BYTES = 128 * 1024 * 1024;

/** Returns the tokenizer of a GGUF file as the files that a model directory would have. */
async function companionsOfGguf(path: string): Promise<Companions> {
  const { tokenizerJson, specialTokens, chatTemplate } = await readGgufTokenizer(path);
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_input_names: ['input_ids', 'attention_mask'],
    clean_up_tokenization_spaces: false,
    ...specialTokens,
  };
  return { tokenizerJson, tokenizerConfigJson: `${JSON.stringify(config, null, 2)}\n`, chatTemplate };
}

/**
 * Reads the files that a model keeps beside its weights, unchanged, for its tokenizer, and to save them with a model that was
 * made from it.
 *
 * @param path of a model directory or a GGUF file
 * @throws {ModelError} `too-large`, `read-failed`; `bad-gguf`, `bad-tokenizer`
 */
export async function readCompanions(path: string): Promise<Companions> {
  if (path.endsWith('.gguf')) return companionsOfGguf(path);
  const texts: Record<string, string> = {};
  for (const [key, name] of Object.entries(COMPANION_FILES)) {
    const file = join(path, name);
    if (!(await exists(file))) continue;
    await withFile(file, async (_, size) => {
      if (size > MAX_BYTES) {
        throw new ModelError(
          'too-large',
          `${file} has ${size} bytes, more than the limit of ${MAX_BYTES}`,
          'check that it is the file you mean',
        );
      }
    });
    texts[key] = await readFile(file, 'utf8');
  }
  return texts;
}
