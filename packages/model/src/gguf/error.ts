import { ModelError } from '../error.js';
import { MODEL_FAMILIES } from '../families/index.js';

/** The error for a GGUF file that is broken or does not hold together. */
export function badGguf(where: string, problem: string, cause?: unknown): ModelError {
  return new ModelError(
    'bad-gguf',
    `${where}: ${problem}`,
    'get the file again from its source, or convert the model again',
    cause === undefined ? undefined : { cause },
  );
}

/** The error for a sound GGUF file that asks for what is not supported. */
export function unsupportedGguf(where: string, problem: string): ModelError {
  return new ModelError(
    'bad-config',
    `${where}: ${problem}`,
    `use the safetensors files of a model of the families ${MODEL_FAMILIES.join(', ')}, or convert the model again`,
  );
}
