import { GramError } from '@gram/base';

/** Code of a `ServeError`: the kind of problem. */
export type ServeErrorCode = 'bad-option' | 'no-api-key' | 'port-unusable';

/** A server that cannot be made or started. */
export class ServeError extends GramError<ServeErrorCode> {
  override readonly name = 'ServeError';
}

/** Body of every answer that is not a success. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

/** An answer that is not a success, which is thrown where a request is refused and written by the handler. */
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

/** The answer to a client that closed its connection: nobody reads it, and it is counted with nginx's status for this. */
export const clientLeft = () => new HttpError(499, 'client-left', 'the client left', '');

/** The answer to a request that arrives when the server is shutting down. */
export const shuttingDown = () =>
  new HttpError(503, 'draining', 'the server is shutting down', 'try again later', { 'Retry-After': '1' });
