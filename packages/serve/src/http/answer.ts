import type { ServerResponse } from 'node:http';

/** Answer to a request. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that holds JSON. */
export function jsonAnswer(body: object, status = 200): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

/**
 * Sends an answer, unless the client has left.
 *
 * @param isLast whether the connection closes after it
 */
export function send(
  response: ServerResponse,
  { status, type, body, headers }: Answer,
  isLast: boolean,
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(isLast ? { Connection: 'close' } : {}),
    ...headers,
  });
  response.end(body);
}
