import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';
import { main } from '../main.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
let model: string;
beforeAll(async () => {
  shop = await judgeWorkshop();
  model = shop.path('out/model');
});
afterAll(() => shop.remove());

describe('gram serve', () => {
  it('prints its address, answers as gram score does, and ends with Ctrl-C', async () => {
    const stop = new AbortController();
    let onUrl: (url: string) => void = () => {};
    const printed = new Promise<string>((resolve) => {
      onUrl = resolve;
    });
    const ended = main(['serve', '--model', model, '--port', '0', '--reference', 'x'], {
      stdout: { write: (text) => onUrl(text) },
      stderr: { write: () => true } as unknown as NodeJS.WriteStream,
      signal: stop.signal,
    });
    const url = (await Promise.race([printed, ended])).toString().trimEnd();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const [prompt, a, b] = ['please work out 8 plus 2.', '8 plus 2 is 10.', 'it is 7.'];
    const response = await fetch(`${url}/v1/compare`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ pairs: [{ prompt, a, b }] }),
    });
    const answer = (await response.json()) as { model: string; results: object[] };
    expect(answer.model).toBe('model');
    const scored = await gram(['score', '--model', model, '--prompt', prompt, '--a', a, '--b', b, '--json']);
    expect(answer.results).toEqual([JSON.parse(scored.stdout)]);
    const reward = async (query: string, prompt: string) => {
      const reply = await fetch(`${url}/get_reward`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ query: [query], prompts: [prompt], labels: [''] }),
      });
      return (await reply.json()) as { rewards?: number[]; error?: { code: string } };
    };
    // A trainer sends text that the layout of the model rendered, with the end of the turn.
    const rendered = `<|user|>${prompt}<|assistant|>`;
    const plain = await reward(prompt + a, prompt);
    expect(plain.rewards).toEqual([expect.any(Number)]);
    expect(await reward(`${rendered}${a}<|end|>`, rendered)).toEqual(plain);
    expect((await reward(`<|assistant|>${prompt}`, '<|assistant|>')).error!.code).toBe('unreadable-template');
    stop.abort();
    expect(await ended).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('refuses to be open to others without a key, before the model is loaded', async () => {
    const { status, stderr } = await gram(['serve', '--model', 'absent', '--host', '0.0.0.0']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^gram: others can reach 0\.0\.0\.0, and there is no API key; set GRAM_API_KEY[^\n]*\n$/,
    );
  });

  it('refuses a port that is taken, before the model is loaded', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = await gram(['serve', '--model', 'absent', '--port', String(port)]);
    other.close();
    expect(status).toBe(1);
    expect(stderr).toBe(`gram: port ${port} of 127.0.0.1 is taken; choose another host or port\n`);
  });

  it.each([
    ['--port', '70000'],
    ['--port', 'x'],
    ['--deadline', '0'],
  ])('refuses %s %s', async (flag, value) => {
    const { status, stderr } = await gram(['serve', '--model', 'absent', flag, value]);
    expect(status).toBeGreaterThan(0);
    expect(stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
  });
});
