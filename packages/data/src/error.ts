import { GramError } from '@gram/base';

/** Code of a `DataError`: the kind of problem. */
export type DataErrorCode =
  | 'file-missing'
  | 'file-unreadable'
  | 'file-unwritable'
  | 'unknown-extension'
  | 'bad-json'
  | 'bad-row'
  | 'bad-record'
  | 'too-large'
  | 'unknown-format'
  | 'bad-option'
  | 'language-detector-missing';

/** An error of data or of a data file; `code` is stable, `hint` says what to do. */
export class DataError extends GramError<DataErrorCode> {
  override readonly name = 'DataError';
}
