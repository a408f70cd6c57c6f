import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError } from '../error.js';

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Creates a check of `Authorization: Bearer KEY`. Digests are compared, in a time that depends neither on the texts nor on their
 * lengths.
 *
 * @returns a function that throws HttpError 401 where the key is missing or wrong
 */
export function createKeyCheck(key: string | undefined): (request: IncomingMessage) => void {
  if (key === undefined) return () => {};
  const expected = digest(key);
  return ({ headers }) => {
    const given = /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    if (timingSafeEqual(digest(given), expected)) return;
    throw new HttpError(
      401,
      'unauthorized',
      headers.authorization === undefined ? 'there is no API key' : 'the API key is wrong',
      'send the header Authorization: Bearer KEY',
      { 'WWW-Authenticate': 'Bearer' },
    );
  };
}
