import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type RemoteForm, type RemoteRewardOptions, remoteReward } from './http-reward.js';
import type { RewardGroup } from './reward.js';
import { askRewards } from './reward-list.js';

/** A request as a server sees it. */
interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** An answer of a stand-in server: a status and a body, or none at all. */
type Reply = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: unknown };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Serves answers in the place of a server of another program, and notes what it is asked. */
async function standIn(answer: (seen: Seen) => Reply | Promise<Reply>) {
  const requests: Seen[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => (text += data));
    request.on('end', async () => {
      const seen = { path: request.url ?? '', headers: request.headers, body: JSON.parse(text) };
      requests.push(seen);
      const { status = 200, headers = {}, body } = await answer(seen);
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const turns = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Why?' },
] as const;
const weather = { type: 'function', function: { name: 'weather', parameters: {} } } as const;

const groups: readonly RewardGroup[] = [
  { id: 'one', prompt: 'p', responses: ['a', 'bbb'], reference: 'cc', answer: 'right', fields: { level: 3 } },
  { id: 'two', prompt: turns, tools: [weather], responses: ['dd'] },
];

const ask = (form: RemoteForm, url: string, options: Partial<RemoteRewardOptions> = {}) =>
  remoteReward({ form, url, ...options })(groups, {});

/** The number that a stand-in gives to a text: its length. */
const lengthsOf = (texts: readonly string[]) => texts.map(({ length }) => length);

describe('a reward of a server', () => {
  it('asks `gram serve` about a cohort at a time, and takes what it knows in time', async () => {
    const { url, requests } = await standIn(({ body }) => {
      const { responses } = body as { responses: string[] };
      // A partial answer: the second response was not judged before the deadline.
      const scores = responses.map((text) => (text === 'bbb' ? null : text.length));
      const flags = responses.map((text) => ({ truncated: text === 'a', neutralized: false }));
      return { body: { object: 'cohort', scores, responses: flags } };
    });
    const rewards = await ask('gram', `${url}/judge/`, { apiKey: 'secret', deadlineMs: 1500.2 });
    expect(rewards).toEqual([
      [
        { reward: 1, truncated: true, neutralized: false, failed: false },
        { reward: null, truncated: false, neutralized: false, failed: true },
      ],
      [{ reward: 2, truncated: false, neutralized: false, failed: false }],
    ]);
    expect(requests.map(({ path }) => path)).toEqual(['/judge/v1/cohorts', '/judge/v1/cohorts']);
    expect(requests.map(({ body }) => body)).toEqual([
      { prompt: 'p', responses: ['a', 'bbb'], reference: 'cc' },
      { prompt: turns, tools: [weather], responses: ['dd'] },
    ]);
    expect(requests[0]!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'gram-deadline-ms': '1501',
      'content-type': 'application/json',
    });
  });

  it('asks a remote reward model of OpenRLHF with the texts that the policy read', async () => {
    const { url, requests } = await standIn(({ body }) => {
      const { query } = body as { query: string[] };
      return { body: { rewards: lengthsOf(query), scores: lengthsOf(query), extra_logs: {} } };
    });
    const render = ({ id }: RewardGroup) => `<${id}>`;
    expect(await ask('openrlhf', `${url}/get_reward`, { render })).toEqual([[6, 8], [7]]);
    expect(requests.map(({ path }) => path)).toEqual(['/get_reward', '/get_reward']);
    expect(requests.map(({ body }) => body)).toEqual([
      { query: ['<one>a', '<one>bbb'], prompts: ['<one>', '<one>'], labels: ['right', 'right'] },
      { query: ['<two>dd'], prompts: ['<two>'], labels: [''] },
    ]);
    expect(requests[0]!.headers.authorization).toBeUndefined();
  });

  it('asks vLLM for scores, and reads them by their index', async () => {
    const { url, requests } = await standIn(({ body }) => {
      const { text_2 } = body as { text_2: string[] };
      const data = lengthsOf(text_2).map((score, index) => ({ index, object: 'score', score }));
      return { body: { id: 'score-1', object: 'list', model: 'rm', data: data.reverse(), usage: {} } };
    });
    expect(await ask('vllm-score', url, { model: 'rm' })).toEqual([[1, 3], [2]]);
    expect(requests.map(({ path, body }) => [path, body])).toEqual([
      ['/v1/score', { model: 'rm', text_1: 'p', text_2: ['a', 'bbb'] }],
      ['/v1/score', { model: 'rm', text_1: expect.stringContaining('Why?'), text_2: ['dd'] }],
    ]);
  });

  it('asks vLLM to pool a conversation for each response, and takes the last number', async () => {
    const { url, requests } = await standIn(({ body }) => {
      const { messages } = body as { messages: { content: string }[] };
      const last = messages.at(-1)!.content.length;
      // One number of all, or, as of process reward models, one or two for each token.
      const data =
        last === 1
          ? [last]
          : [
              [0, 0],
              [7, last],
            ];
      return { body: { id: 'pool-1', object: 'list', data: [{ index: 0, object: 'pooling', data }] } };
    });
    expect(await ask('vllm-pooling', `${url}/`)).toEqual([[1, 3], [2]]);
    expect(requests.map(({ path }) => path)).toEqual(['/pooling', '/pooling', '/pooling']);
    const user = { role: 'user', content: 'p' };
    expect(requests.map(({ body }) => body)).toEqual([
      { messages: [user, { role: 'assistant', content: 'a' }] },
      { messages: [user, { role: 'assistant', content: 'bbb' }] },
      { messages: [...turns, { role: 'assistant', content: 'dd' }] },
    ]);
  });

  it('gives any other address the whole group, and takes a list or an object with one', async () => {
    const { url, requests } = await standIn(({ body }) => {
      const { id, responses } = body as { id: string; responses: string[] };
      return { body: id === 'one' ? [1.5, null] : { rewards: lengthsOf(responses) } };
    });
    expect(await ask('json', `${url}/own?version=2`)).toEqual([[1.5, null], [2]]);
    expect(requests.map(({ path, body }) => [path, body])).toEqual([
      ['/own?version=2', groups[0]],
      ['/own?version=2', groups[1]],
    ]);
  });

  it('is told what to compare with: the greedy response, the answer of the record, or the others', async () => {
    const { url, requests } = await standIn(({ body }) => {
      const { responses } = body as { responses: string[] };
      return { body: { scores: lengthsOf(responses) } };
    });
    const asked = async (against: 'greedy' | 'answer' | 'group') => {
      const rewards = await ask('gram', url, { against });
      const bodies = requests.splice(0).map(({ body }) => body as { reference?: string });
      const numbers = rewards.map((own) =>
        own.map((each) => (each !== null && typeof each === 'object' ? each.reward : each)),
      );
      return { numbers, references: bodies.map(({ reference }) => reference) };
    };
    expect(await asked('greedy')).toEqual({ numbers: [[1, 3], [2]], references: ['cc', undefined] });
    expect(await asked('group')).toEqual({ numbers: [[1, 3], [2]], references: [undefined, undefined] });
    // A prompt without an answer is not asked about, and has no reward.
    expect(await asked('answer')).toEqual({ numbers: [[1, 3], [null]], references: ['right'] });
  });

  it.each<[string, RemoteForm, Reply, RegExp]>([
    ['an error with a message', 'gram', { status: 429, body: { error: { message: 'busy' } } }, /429: busy/],
    ['an error in no form', 'gram', { status: 500, body: 'broken' }, /the server answered 500/],
    ['text that is not JSON', 'gram', { body: 'hello' }, /has no list scores/],
    ['another form', 'openrlhf', { body: { scores: [1, 2] } }, /has no list rewards/],
    ['a text for a number', 'json', { body: ['1', '2'] }, /has "1" in the place of a number/],
    [
      'too few scores',
      'vllm-score',
      { body: { data: [{ index: 0, score: 1 }] } },
      /1 scores for 2 responses/,
    ],
    [
      'an index twice',
      'vllm-score',
      {
        body: {
          data: [
            { index: 0, score: 1 },
            { index: 0, score: 2 },
          ],
        },
      },
      /1 scores/,
    ],
    ['no score', 'vllm-score', { body: { data: [{ index: 0 }, { index: 1 }] } }, /in the place of a number/],
    [
      'a redirect',
      'json',
      { status: 307, headers: { Location: 'http://127.0.0.1:9/' }, body: '' },
      /cannot be reached/,
    ],
  ])('has no reward in %s', async (_, form, reply, message) => {
    const { url, requests } = await standIn(() => reply);
    await expect(ask(form, url, { apiKey: 'secret' })).rejects.toMatchObject({
      code: 'reward-failed',
      message: expect.stringMatching(message),
    });
    expect(requests.length).toBe(1);
  });

  it('refuses what is no address', () => {
    for (const url of ['127.0.0.1:8000', 'file:///etc/passwd', '']) {
      expect(() => remoteReward({ url, form: 'json' }), url).toThrow(/is no address of a server/);
    }
  });
});

describe('a server among the rewards of a run', () => {
  const cohorts: readonly RewardGroup[] = Array.from({ length: 12 }, (_, i) => ({
    id: `prompt ${i}`,
    prompt: `p ${i}`,
    responses: ['aa', 'bbb'],
  }));
  const failures = { onFailure: 'mask', retries: 3, backoffMs: 1, timeoutMs: 2000, concurrency: 4 } as const;

  it.each<[RemoteForm, (body: Record<string, string[]>) => unknown]>([
    ['gram', ({ responses = [] }) => ({ scores: lengthsOf(responses) })],
    ['openrlhf', ({ query = [] }) => ({ rewards: query.map((text) => (text.at(-1) === 'a' ? 2 : 3)) })],
    [
      'vllm-score',
      ({ text_2 = [] }) => ({ data: lengthsOf(text_2).map((score, index) => ({ index, score })) }),
    ],
    ['json', ({ responses = [] }) => lengthsOf(responses)],
  ])('is asked again where it fails, and loses nothing: %s', async (form, answer) => {
    let calls = 0;
    const { url, requests } = await standIn(({ body }) => {
      calls++;
      if (calls % 3 === 1) return { status: 503, body: { error: { message: 'overloaded' } } };
      if (calls % 3 === 2 && calls < 9) return { body: {} };
      return { body: answer(body as Record<string, string[]>) };
    });
    const reward = remoteReward({ url, form });
    const list = [{ name: 'judge', reward, failures: { ...failures, retries: 20 } }];
    const { groups: rewarded, failedCalls } = await askRewards(list, cohorts, {});
    expect(rewarded.flat().map((each) => each.reward)).toEqual(cohorts.flatMap(() => [2, 3]));
    expect(failedCalls).toBe(requests.length - cohorts.length);
    expect(failedCalls).toBeGreaterThan(5);
  });

  it('holds no cohort beyond its deadline, and loses those alone that it does not answer', async () => {
    const { url } = await standIn(({ body }) => {
      const { prompt, responses } = body as { prompt: string; responses: string[] };
      if (prompt === 'p 3') return new Promise(() => {});
      return { body: { scores: lengthsOf(responses) } };
    });
    const reward = remoteReward({ url, form: 'gram' });
    const patient = { ...failures, retries: 100, timeoutMs: 100, deadlineMs: 400 };
    const start = performance.now();
    const { groups: rewarded } = await askRewards(
      [{ name: 'judge', reward, failures: patient }],
      cohorts,
      {},
    );
    expect(performance.now() - start).toBeLessThan(5000);
    expect(rewarded.map((own) => own.map((each) => each.reward))).toEqual(
      cohorts.map(({ id }) => (id === 'prompt 3' ? [null, null] : [2, 3])),
    );
  });
});
