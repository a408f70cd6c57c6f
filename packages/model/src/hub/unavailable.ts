/** The hub cannot be asked now: no connection, or it answers that it is busy or broken. The cache may do instead. */
export class HubUnavailable extends Error {
  override readonly name = 'HubUnavailable';
  /** Whether it said so itself, and was waited for. */
  readonly isBusy: boolean;

  constructor(message: string, { isBusy = false, ...options }: ErrorOptions & { isBusy?: boolean } = {}) {
    super(message, options);
    this.isBusy = isBusy;
  }
}
