/** What went wrong in training; `code` is stable, `hint` says what to do. */
export class TrainError extends Error {
  override readonly name = 'TrainError';

  constructor(
    readonly code: 'bad-config' | 'no-data' | 'diverged' | 'bad-checkpoint' | 'mpi',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
