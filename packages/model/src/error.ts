import { GramError } from '@gram/base';

type ModelErrorCode =
  | 'bad-adapter'
  | 'bad-config'
  | 'bad-gguf'
  | 'bad-json'
  | 'bad-metadata'
  | 'bad-request'
  | 'bad-safetensors'
  | 'bad-tokenizer'
  | 'bad-weights'
  | 'file-missing'
  | 'not-finite'
  | 'read-failed'
  | 'too-large'
  | 'unsupported-dtype'
  | 'write-failed';

/** An error about a model, its configuration or its files. */
export class ModelError extends GramError<ModelErrorCode> {
  override readonly name = 'ModelError';
}
