import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { raw, until } from './__fixtures__/client.js';
import { heldModel, verdictOf } from './__fixtures__/models.js';
import { pair, pairsOf, serve, stopAll } from './__fixtures__/serving.js';

afterEach(stopAll);

describe('time', () => {
  it('answers 429 with Retry-After when too much waits, and goes on', async () => {
    const model = heldModel();
    const { compare, metric } = await serve({ batchSize: 2, limits: { comparisons: 4, queue: 4 } }, model);
    const first = compare({ pairs: pairsOf('a', 2) });
    await until(() => model.calls.length === 1);
    const second = compare({ pairs: pairsOf('b', 4) });
    await vi.waitFor(async () => expect(await metric('gram_queue_comparisons')).toBe(4));
    const refused = await compare({ pairs: [pair] });
    expect([refused.status, refused.body.error!.code]).toEqual([429, 'busy']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    for (let call = 0; call < 3; call++) {
      await until(() => model.calls.length > call);
      model.calls[call]!.finish();
    }
    expect((await first).body.results).toEqual(pairsOf('a', 2).map(verdictOf));
    expect((await second).body.results).toEqual(pairsOf('b', 4).map(verdictOf));
  });

  it('answers 504 after the deadline of the server, or an earlier one of the client', async () => {
    const model = heldModel();
    const { compare } = await serve({ deadlineMs: 400 }, model);
    const started = performance.now();
    const early = await compare({ pairs: [pair] }, { headers: { 'Gram-Deadline-Ms': '50' } });
    expect([early.status, early.body.error!.code]).toEqual([504, 'deadline']);
    expect(performance.now() - started).toBeLessThan(350);
    expect(model.calls[0]!.signal!.aborted).toBe(true);
    const late = await compare({ pairs: [pair] }, { headers: { 'Gram-Deadline-Ms': '999999' } });
    expect(late.body.error!.message).toContain('400 ms');
  });

  it('drops the work of clients that left', async () => {
    const model = heldModel();
    const { compare, metric } = await serve({}, model);
    const running = compare({ pairs: pairsOf('a', 1) });
    await until(() => model.calls.length === 1);
    const leave = new AbortController();
    const gone = compare({ pairs: pairsOf('b', 3) }, { signal: leave.signal });
    await vi.waitFor(async () => expect(await metric('gram_queue_comparisons')).toBe(3));
    leave.abort();
    await expect(gone).rejects.toThrow();
    await vi.waitFor(async () => expect(await metric('gram_queue_comparisons')).toBe(0));
    model.calls[0]!.finish();
    expect((await running).status).toBe(200);
    expect(model.calls).toHaveLength(1);
    expect(await metric('gram_requests_total{route="/v1/compare",status="499"}')).toBe(1);
  });

  it('answers 408 to headers and bodies that come too slowly', async () => {
    const { url } = await serve({ limits: { receiveMs: 200 } });
    const started = performance.now();
    const head = 'POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const [slowHead, slowBody, dripping] = await Promise.all([
      raw(url, [head]),
      raw(url, [`${head}Content-Length: 100\r\n\r\n{"pairs"`]),
      raw(url, [`${head}Transfer-Encoding: chunked\r\n\r\n`, ...Array(100).fill('1\r\nx\r\n')], 50),
    ]);
    expect(slowHead).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"slow-headers"/);
    for (const answer of [slowBody, dripping])
      expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"slow-body"/);
    // The connections were closed, although the clients would have gone on.
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('refuses a body that is too large without reading it all', async () => {
    const { url } = await serve({ limits: { bodyBytes: 1000 } });
    const head = 'POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const declared = await raw(url, [`${head}Content-Length: 5000000000\r\n\r\n{`]);
    expect(declared).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"body-too-large"/);
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    const endless = await raw(
      url,
      [`${head}Transfer-Encoding: chunked\r\n\r\n`, ...Array(1000).fill(chunk)],
      1,
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('the end', () => {
  it('finishes what was accepted, takes nothing new, and says so', async () => {
    const model = heldModel();
    const { compare, metric, server, url } = await serve({ batchSize: 1 }, model);
    const accepted = [compare({ pairs: pairsOf('a', 2) }), compare({ pairs: pairsOf('b', 1) })];
    await until(() => model.calls.length === 1);
    await vi.waitFor(async () => expect(await metric('gram_queue_comparisons')).toBe(2));
    // Connections that sent a part of a request before the end began.
    const open = ['GET /health HTTP/1.1', 'POST /v1/compare HTTP/1.1'].map((line) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(`${line}\r\n`);
      return {
        socket,
        answer: new Promise<string>((resolve) => socket.once('data', (data) => resolve(`${data}`))),
      };
    });
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ready', model: 'gram' });
    const closing = server.close();
    expect(server.close()).toBe(closing);
    for (const { socket } of open) socket.write('Host: localhost\r\n\r\n');
    expect(await open[0]!.answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*"status":"draining"/);
    expect(await open[1]!.answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close[\s\S]*"code":"draining"/);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    for (let call = 0; call < 3; call++) {
      await until(() => model.calls.length > call);
      model.calls[call]!.finish();
    }
    expect((await accepted[0]!).body.results).toEqual(pairsOf('a', 2).map(verdictOf));
    expect((await accepted[1]!).body.results).toEqual(pairsOf('b', 1).map(verdictOf));
    await closing;
  });

  it('answers 503 to what is not finished in time, and closes', async () => {
    const model = heldModel();
    const { compare, server, url } = await serve({}, model);
    const stuck = compare({ pairs: [pair] });
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    idle.on('error', () => {});
    await until(() => model.calls.length === 1);
    const started = performance.now();
    await server.close(100);
    expect(performance.now() - started).toBeLessThan(3000);
    expect((await stuck).status).toBe(503);
    idle.destroy();
  });
});
