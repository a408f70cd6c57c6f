import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createStepMeter } from '../step-meter.js';
import { exampleStep, exampleMetrics as metrics } from './__fixtures__/steps.js';
import { createStatusKeeper } from './run-status.js';
import { startWatch, type Watch, type WatchOptions } from './watch.js';

let watch: Watch | undefined;
let url = '';
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await watch?.close();
  watch = undefined;
});

async function start(options: Partial<WatchOptions> = {}): Promise<Watch> {
  watch = await startWatch({
    title: 'a run',
    total: 100,
    metrics,
    onUrl: (given) => (url = given),
    ...options,
  });
  return watch;
}

/** A request written by hand, whatever a client would refuse to send; what comes back until `enough`, or until the end. */
function raw(lines: string[], enough?: (answer: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(socket);
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
      if (enough?.(answer)) {
        socket.destroy();
        resolve(answer);
      }
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
}

const get = (path: string, host = 'localhost', ...more: string[]) =>
  raw([`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...more]);
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

/** The events of a stream, as they come. */
async function listen() {
  const response = await fetch(`${url}events`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const events: { event: string; data: Record<string, unknown> }[] = [];
  let text = '';
  return {
    response,
    events,
    /** Reads until there is such an event; undefined when the stream ends before. */
    async until(event: string, matches: (data: Record<string, unknown>) => boolean = () => true) {
      for (;;) {
        const found = events.find((candidate) => candidate.event === event && matches(candidate.data));
        if (found !== undefined) return found.data;
        const { value, done } = await reader.read();
        if (done) return undefined;
        const messages = (text + value).split('\n\n');
        text = messages.pop()!;
        for (const message of messages) {
          const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
          if (name !== undefined) events.push({ event: name, data: JSON.parse(data!) });
        }
      }
    },
  };
}

describe('the server of a run', () => {
  it('serves the page and the events, with headers that keep everything else out', async () => {
    await start({ title: '</title><script>alert(1)</script>' });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'; script-src 'sha256-");
    expect(policy).not.toContain('unsafe');
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    const html = await page.text();
    expect(html).toContain('<h1>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h1>');
    expect(html.match(/<script/g)).toHaveLength(1);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([
      200,
      '',
      String(Buffer.byteLength(html)),
    ]);
    const events = await fetch(`${url}events`, { method: 'HEAD' });
    expect([events.headers.get('content-type'), await events.text()]).toEqual(['text/event-stream', '']);
  });

  it('answers nothing else', async () => {
    await start();
    for (const path of [
      '/x',
      '/events/',
      '/Events',
      '/?x',
      '//',
      '/../etc/passwd',
      '/%2e%2e/',
      '*',
      'http://localhost/',
    ]) {
      expect(statusOf(await get(path)), path).toBe(404);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
      const answer = await raw([`${method} / HTTP/1.1`, 'Host: localhost', 'Content-Length: 3', '', 'abc']);
      expect(statusOf(answer), method).toBe(405);
      expect(answer).toContain('Allow: GET, HEAD');
    }
    expect(await raw(['CONNECT example.org:80 HTTP/1.1', 'Host: localhost'])).not.toContain('200');
    expect(statusOf(await get('/', 'localhost', 'Upgrade: websocket'))).toBe(200);
    expect(statusOf(await raw(['nonsense']))).toBe(400);
    expect(statusOf(await get('/', 'localhost', `X: ${'x'.repeat(20_000)}`))).toBe(431);
    // It is still there.
    expect(statusOf(await get('/'))).toBe(200);
  });

  it('answers only who asks this machine by its own name', async () => {
    await start();
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.0.0.1:1', '[::1]:8080']) {
      expect(statusOf(await get('/', host)), host).toBe(200);
    }
    const strangers = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      'evil@localhost',
      '0.0.0.0',
      '',
    ];
    for (const host of [...strangers, 'localhost:1:2', 'localhost/x', '10.0.0.1']) {
      for (const path of ['/', '/events', '/x']) expect(statusOf(await get(path, host)), host).toBe(403);
    }
    expect(statusOf(await raw(['GET / HTTP/1.0']))).toBe(403);
    expect(statusOf(await get('/events', 'localhost', 'Sec-Fetch-Site: cross-site'))).toBe(403);
    expect(statusOf(await get('/', 'localhost', 'Sec-Fetch-Site: cross-site'))).toBe(200);
  });

  it('sends history first, then each step, then the end', async () => {
    const { record, end, close } = await start({ history: [exampleStep(1, 100)] });
    record(exampleStep(2, 100));
    const listener = await listen();
    const history = await listener.until('history');
    expect(listener.events[0]!.event).toBe('history');
    expect(history).toMatchObject({ step: 2, total: 100, steps: 'Step 2 of 100' });
    expect((history!.rows as number[][]).map(([from, to]) => [from, to])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    for (let step = 3; step <= 9; step++) record(exampleStep(step, 100));
    expect(await listener.until('record', ({ step }) => step === 9)).toMatchObject({ total: 100 });
    const steps = listener.events.filter(({ event }) => event === 'record').map(({ data }) => data.step);
    expect(steps).toEqual([3, 4, 5, 6, 7, 8, 9]);
    end('finished');
    record(exampleStep(10, 100));
    end('a second time');
    const late = await listen();
    expect(await late.until('end')).toEqual({ message: 'finished' });
    await close();
    watch = undefined;
    expect(await listener.until('end')).toEqual({ message: 'finished' });
    expect(await listener.until('never')).toBeUndefined();
    const { charts } = listener.events.filter(({ event }) => event === 'drawing').at(-1)!.data;
    expect((charts as string[])[0]).toContain(' at 9.');
    expect(listener.events.at(-1)!.event).toBe('end');
  });

  it('sends at most 1000 points a curve of a run of 100,000 steps', async () => {
    await start({ history: Array.from({ length: 100_000 }, (_, index) => exampleStep(index + 1, 100_000)) });
    const listener = await listen();
    const history = await listener.until('history');
    expect((history!.rows as unknown[]).length).toBeLessThanOrEqual(1000);
    expect(JSON.stringify(history).length).toBeLessThan(300_000);
    const drawing = await listener.until('drawing');
    expect(JSON.stringify(drawing).length).toBeLessThan(500_000);
  });

  it('drops who does not read, and never waits', async () => {
    const { record } = await start({ history: [exampleStep(1, 100)] });
    const stuck = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(stuck);
    stuck.pause();
    const dropped = new Promise((resolve) => stuck.once('close', resolve));
    stuck.on('error', () => {});
    stuck.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const listener = await listen();
    await listener.until('history');
    const before = process.memoryUsage().external;
    const started = performance.now();
    // About 20 MB for each reader; one of them reads.
    for (let step = 2; step <= 20_000; step++) {
      record(exampleStep(step, 100));
      if (step % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (step % 500 === 0) await listener.until('record', (data) => data.step === step);
    }
    // In milliseconds for each step, whose training takes many times as long.
    expect((performance.now() - started) / 20_000).toBeLessThan(3);
    expect(process.memoryUsage().external - before).toBeLessThan(100e6);
    stuck.resume();
    await dropped;
  });

  it('takes sixteen readers, tells others so, and has room again when one leaves', async () => {
    await start();
    const controllers = Array.from({ length: 16 }, () => new AbortController());
    // Held to the end: a response that is collected as garbage leaves.
    const readers: Response[] = [];
    for (const { signal } of controllers) readers.push(await fetch(`${url}events`, { signal }));
    expect(readers.map(({ status }) => status)).toEqual(Array(16).fill(200));
    expect(statusOf(await get('/events'))).toBe(503);
    expect(statusOf(await get('/'))).toBe(200);
    controllers[0]!.abort();
    await expect.poll(async () => (await get('/')) && (await fetch(`${url}events`)).status).toBe(200);
    expect(readers.slice(1).every(({ bodyUsed }) => !bodyUsed)).toBe(true);
  });

  it('closes at once, also while somebody keeps a connection open, and may be closed twice', async () => {
    const { close } = await start();
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(idle);
    idle.on('error', () => {});
    await new Promise((resolve) => idle.once('connect', resolve));
    await listen();
    const started = performance.now();
    await close();
    await close();
    // A server that waits for its connections would wait for minutes.
    expect(performance.now() - started).toBeLessThan(20_000);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('says which port is taken', async () => {
    await start();
    const port = Number(new URL(url).port);
    await expect(startWatch({ port, title: '', total: 1, metrics, onUrl: () => {} })).rejects.toMatchObject({
      code: 'bad-port',
      message: `port ${port} is taken`,
    });
  });
});

describe('createStepMeter', () => {
  it('counts tokens over the time since the step before', () => {
    let time = 0;
    const measure = createStepMeter(() => time);
    time = 2000;
    expect(measure({ ...exampleStep(1, 9), tokens: 100 })).toMatchObject({
      step: 1,
      tokens: 100,
      tokensPerSecond: 50,
    });
    time = 2500;
    const second = measure({ ...exampleStep(2, 9), tokens: 100 });
    expect(second.tokensPerSecond).toBe(200);
    expect(second.memoryBytes).toBeGreaterThan(1e6);
    expect(measure(exampleStep(3, 9)).tokensPerSecond).toBeNaN();
  });
});

describe('createStatusKeeper', () => {
  it('counts tokens and skipped steps of the whole run and the time left from recent steps', () => {
    let time = 0;
    const done = [exampleStep(1, 9), exampleStep(2, 9)];
    const { add, status } = createStatusKeeper({ total: 9, metrics, done, now: () => time });
    expect(status()).toMatchObject({ step: 2, facts: [['Running for', '0 s']] });
    time = 3000;
    add({ ...exampleStep(3, 9), loss: Number.NaN });
    expect(status().facts).toEqual([
      ['Loss', 'not a number'],
      ['Accuracy', expect.any(String)],
      ['Speed', expect.stringMatching(/^\d{4} tokens\/s$/)],
      ['Memory', '1.25 GiB'],
      ['Tokens', '12,288'],
      ['Skipped, not finite', '1'],
      ['Running for', '3 s'],
      ['Time left', 'about 18 s'],
    ]);
  });
});
