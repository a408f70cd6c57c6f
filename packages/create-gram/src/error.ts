import { GramError } from '@gram/base';

/** Code of a `CreateError`: the kind of problem. */
export type CreateErrorCode = 'usage' | 'unknown-study' | 'exists' | 'no-package';

/** An error of making a project. */
export class CreateError extends GramError<CreateErrorCode> {
  override readonly name = 'CreateError';
}
