import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** A page in a browser without a window. */
export interface BrowserPage {
  open(url: string): Promise<void>;
  /** The value of an expression on the page, or of the promise that it gives. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until an expression is true, for half a minute at most. */
  until(expression: string): Promise<void>;
  /** Presses and releases a key of this name, as `Tab` or `ArrowLeft`, by itself or with another one held. */
  press(key: string, held?: 'Control' | 'Meta'): Promise<void>;
  /** Writes into the field that has the focus. */
  type(text: string): Promise<void>;
  /** Light or dark, and the width of the window in CSS pixels. */
  look(scheme: 'light' | 'dark', width: number): Promise<void>;
  screenshot(path: string): Promise<void>;
  /** Messages of the console and of the browser's log, and errors that no one caught. */
  readonly messages: string[];
  /** Addresses that were requested. */
  readonly requests: string[];
  close(): Promise<void>;
}

const keyCodes: Readonly<Record<string, number>> = { Tab: 9, Enter: 13, ' ': 32, End: 35, Home: 36, ArrowLeft: 37 };

/** Bits of the protocol for keys that are held. */
const modifiers = { Control: 2, Meta: 4 };

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** Starts a browser with one page, and speaks the DevTools protocol over its pipe (file descriptors 3 and 4). */
export async function launchChromium(browser: string): Promise<BrowserPage> {
  const profile = await mkdtemp(join(tmpdir(), 'gram-chromium-'));
  const flags =
    '--headless --no-sandbox --disable-gpu --no-first-run --disable-sync --disable-background-networking --disable-component-update --remote-debugging-pipe';
  const child = spawn(browser, [...flags.split(' '), `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const messages: string[] = [];
  const requests: string[] = [];
  const { send, listen } = connection(child);
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const call = (method: string, params: object = {}) => send(method, params, String(sessionId));
  listen(({ method, params = {} }) => {
    if (method === 'Log.entryAdded') messages.push(JSON.stringify(params.entry));
    if (method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown') messages.push(JSON.stringify(params));
    if (method === 'Network.requestWillBeSent') requests.push((params.request as { url: string }).url);
  });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await call(`${domain}.enable`);

  async function evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  return {
    messages,
    requests,
    evaluate,
    async open(url) {
      await call('Page.navigate', { url });
    },
    async until(expression) {
      const deadline = Date.now() + 30_000;
      while (!(await evaluate<boolean>(`Boolean(${expression})`).catch(() => false))) {
        if (Date.now() > deadline) throw new Error(`never true: ${expression}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async press(key, held) {
      const text = key === ' ' ? { text: ' ' } : key === 'Enter' ? { text: '\r' } : {};
      const event = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: keyCodes[key], modifiers: held === undefined ? 0 : modifiers[held] };
      await call('Input.dispatchKeyEvent', { type: 'keyDown', ...event, ...text });
      await call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
    },
    async type(text) {
      await call('Input.insertText', { text });
    },
    async look(scheme, width) {
      await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await call('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
    },
    async screenshot(path) {
      const { data } = await call('Page.captureScreenshot', { captureBeyondViewport: true });
      await writeFile(path, Buffer.from(String(data), 'base64'));
    },
    async close() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      await send('Browser.close').catch(() => child.kill());
      await exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Calls with their answers, and the events in between. */
function connection(child: ChildProcess) {
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as unknown as Readable];
  const waiting = new Map<number, (message: Message) => void>();
  const listeners: ((message: Message) => void)[] = [];
  let calls = 0;
  let rest = '';
  output.setEncoding('utf8');
  output.on('data', (text: string) => {
    const pieces = (rest + text).split('\0');
    rest = pieces.pop()!;
    for (const piece of pieces) {
      const message = JSON.parse(piece) as Message;
      if (message.id === undefined) for (const hear of listeners) hear(message);
      else waiting.get(message.id)?.(message);
    }
  });
  return {
    listen: (hear: (message: Message) => void) => listeners.push(hear),
    send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
      const id = ++calls;
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise((resolve, reject) => {
        waiting.set(id, ({ result = {}, error }) => {
          waiting.delete(id);
          if (error === undefined) resolve(result);
          else reject(new Error(`${method}: ${error.message}`));
        });
      });
    },
  };
}
