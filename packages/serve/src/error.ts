/** Why a server can not be made or started; `code` is stable, `hint` says what to do. */
export class ServeError extends Error {
  override readonly name = 'ServeError';

  constructor(
    readonly code: 'bad-option' | 'no-api-key' | 'port-unusable',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

/** An answer that is not a success: thrown wherever a request is found wanting, written by the server in one place. */
export class HttpError extends Error {
  override readonly name = 'HttpError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  body(): ErrorBody {
    return { error: { code: this.code, message: this.message, hint: this.hint } };
  }
}

/** The client closed its connection; nobody reads an answer. Counted with nginx's status for it. */
export const clientLeft = () => new HttpError(499, 'client-left', 'the client left', '');
