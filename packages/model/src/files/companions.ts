import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../error.js';
import { exists, withFile } from './read.js';

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

/**
 * Reads the files that a model keeps beside its weights, unchanged, to save them with a model that was made from it.
 *
 * @throws ModelError `too-large`, `read-failed`
 */
export async function readCompanions(dir: string): Promise<Companions> {
  const texts: Record<string, string> = {};
  for (const [key, name] of Object.entries(COMPANION_FILES)) {
    const path = join(dir, name);
    if (!(await exists(path))) continue;
    await withFile(path, async (_, size) => {
      if (size > MAX_BYTES) {
        throw new ModelError(
          'too-large',
          `${path} has ${size} bytes, more than the limit of ${MAX_BYTES}`,
          'check that it is the file you mean',
        );
      }
    });
    texts[key] = await readFile(path, 'utf8');
  }
  return texts;
}
