import { afterEach, describe, expect, it, vi } from 'vitest';
import { post, raw } from './__fixtures__/client.js';
import { heldModel } from './__fixtures__/models.js';
import { pair, serve, stopAll } from './__fixtures__/serving.js';

afterEach(stopAll);

describe('what is refused', () => {
  const body = { pairs: [pair] };
  it.each<[string, number, string, unknown, RequestInit?]>([
    ['no JSON', 400, 'not-json', '{"pairs": ['],
    ['an empty body', 400, 'not-json', ''],
    ['bytes that are not UTF-8', 400, 'not-utf-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['another type', 415, 'wrong-content-type', body, { headers: { 'Content-Type': 'text/plain' } }],
    ['a compressed body', 415, 'wrong-encoding', body, { headers: { 'Content-Encoding': 'gzip' } }],
    ['a body that is too large', 413, 'body-too-large', 'x'.repeat(3000)],
    ['no object', 422, 'invalid-request', '[]'],
    ['null', 422, 'invalid-request', 'null'],
    ['a missing field', 422, 'invalid-request', { pairs: [{ prompt: 'x', a: 'y' }] }],
    ['a field of another type', 422, 'invalid-request', { pairs: [{ ...pair, a: 4 }] }],
    ['an unknown field', 422, 'invalid-request', { ...body, stream: true }],
    ['a field of the prototype', 422, 'invalid-request', '{"__proto__": {"pairs": []}}'],
    ['brackets without end', 400, 'too-deep', '['.repeat(1900)],
    ['a field that is nested deeply', 400, 'too-deep', `{"pairs":${'['.repeat(90)}${']'.repeat(90)}}`],
    ['half a character', 422, 'invalid-request', '{"pairs":[{"prompt":"\\ud800","a":"","b":""}]}'],
    ['a text that is too long', 422, 'invalid-request', { pairs: [{ ...pair, a: 'x'.repeat(101) }] }],
    ['no pairs', 422, 'invalid-request', { pairs: [] }],
    ['too many pairs', 422, 'invalid-request', { pairs: Array(11).fill({}) }],
    [
      'a deadline that is no number',
      422,
      'invalid-deadline',
      body,
      { headers: { 'Gram-Deadline-Ms': '1e3' } },
    ],
  ])('%s: %i %s', async (_name, status, code, sent, init) => {
    const { compare } = await serve({ limits: { bodyBytes: 2000, textLength: 100, comparisons: 10 } });
    const reply = await compare(sent, init);
    expect([reply.status, reply.body.error?.code]).toEqual([status, code]);
    expect(Object.keys(reply.body)).toEqual(['error']);
    expect(Object.keys(reply.body.error!)).toEqual(['code', 'message', 'hint']);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect((await compare(body)).status).toBe(200);
  });

  it('names the field', async () => {
    const { compare } = await serve();
    const { error } = (await compare({ pairs: [pair, { ...pair, b: null }] })).body;
    expect(error!.message).toMatch(/^pairs\[1\]\.b: .*string/);
  });

  it('wrong methods and addresses', async () => {
    const { metric, url } = await serve();
    const get = await fetch(`${url}/v1/compare`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await get.json()).toMatchObject({ error: { code: 'wrong-method' } });
    const posted = await post(`${url}/health`, {});
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    for (const path of [
      '/v1',
      '/v1/compare/',
      '/constructor',
      '/__proto__',
      '//',
      '/../../etc/passwd',
      '/%00',
    ]) {
      const reply = await raw(url, [`POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`]);
      expect(reply, path).toMatch(/^HTTP\/1\.1 404 [\s\S]*"code":"unknown-path"/);
    }
    expect(await metric('gram_requests_total{route="other",status="404"}')).toBe(7);
  });

  it('more comparisons than a request may ask for, before they are made', async () => {
    const model = heldModel();
    const { url } = await serve({}, model);
    const responses = Array.from({ length: 1000 }, (_, index) => `r${index}`);
    const { status, body: reply } = await post(`${url}/v1/rank`, { prompt: 'x', responses });
    expect([status, reply.error!.code]).toEqual([422, 'too-many-comparisons']);
    expect(reply.error!.message).toContain('10000');
    expect(model.calls).toEqual([]);
  });

  it('texts that the model finds too long, by their place', async () => {
    const tooLong = Object.assign(new Error('record "pairs[1]" needs 900 tokens and 512 are allowed'), {
      code: 'too-long',
    });
    const onError = vi.fn();
    const { compare } = await serve({ onError }, { compare: async () => Promise.reject(tooLong) });
    const { status, body: reply } = await compare({ pairs: [pair, pair] });
    expect([status, reply.error!.message]).toEqual([422, tooLong.message]);
    expect(onError).not.toHaveBeenCalled();
  });

  it('tells clients nothing about what went wrong inside', async () => {
    const onError = vi.fn();
    const secret = new Error('secret at /home/x');
    const { compare } = await serve({ onError }, { compare: async () => Promise.reject(secret) });
    const { status, body: reply } = await compare(body);
    expect([status, reply.error!.code]).toEqual([500, 'failed']);
    expect(JSON.stringify(reply)).not.toContain('secret');
    expect(onError).toHaveBeenCalledWith(secret);
  });
});
