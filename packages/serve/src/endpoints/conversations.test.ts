import type { Judge } from '@gram/ranking';
import { afterEach, describe, expect, it } from 'vitest';
import { post } from '../__fixtures__/client.js';
import { scoringModel, verdictOf } from '../__fixtures__/models.js';
import { serve, stopAll } from '../__fixtures__/serving.js';
import type { ParseRendered } from '../index.js';

afterEach(stopAll);

const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: { a: 1 } } };
const turns = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: '1 + 1?' },
  { role: 'assistant', content: null, tool_calls: [call] },
  { role: 'tool', content: '2', tool_call_id: 'c1' },
];

/** A model that keeps what it was asked, and flags texts by what is in them. */
function recording() {
  const asked: unknown[] = [];
  const flags = (item: unknown) => ({
    truncated: JSON.stringify(item).includes('LONG'),
    neutralized: JSON.stringify(item).includes('MARK'),
  });
  const judge: Judge = {
    compare: async (items) => {
      asked.push(...items);
      return items.map((item) => ({ ...verdictOf(item), ...flags(item) }));
    },
  };
  const scoring: Judge = {
    ...scoringModel,
    rewards: async (items) => {
      asked.push(...items);
      return (await scoringModel.rewards(items)).map((each, at) => ({ ...each, ...flags(items[at]) }));
    },
  };
  return { asked, judge, scoring };
}

describe('conversations', () => {
  it('are prompts and responses of comparisons and rankings, with their tools', async () => {
    const { asked, judge } = recording();
    const { url } = await serve({}, judge);
    const tools = [{ type: 'function', function: { name: 'add' } }];
    const pair = { prompt: turns, tools, a: 'Two.', b: [{ role: 'assistant', content: '2' }] };
    expect((await post(`${url}/v1/compare`, { pairs: [pair] })).status).toBe(200);
    expect(asked).toEqual([{ id: 'pairs[0]', ...pair }]);
    const { status } = await post(`${url}/v1/rank`, { prompt: turns, tools, responses: [pair.a, pair.b] });
    expect(status).toBe(200);
    expect(asked[1]).toMatchObject({ prompt: turns, tools, a: 'Two.', b: pair.b });
    expect((await post(`${url}/rerank`, { query: turns, documents: ['2', 'two'] })).status).toBe(200);
    expect(asked[2]).toMatchObject({ prompt: turns, a: '2', b: 'two' });
  });

  it('join text parts, and have one prompt where their turns are equal', async () => {
    const { asked, judge } = recording();
    const { url } = await serve({}, judge);
    const parts = [{ role: 'user', content: [{ type: 'text', text: 'p' }] }];
    const plain = [{ content: 'p', role: 'user', name: null }];
    const body = { text_1: [{ messages: parts }, { messages: plain }], text_2: ['x', 'yy'] };
    expect((await post(`${url}/score`, body)).status).toBe(200);
    expect(asked).toMatchObject([{ prompt: [{ role: 'user', content: 'p' }], a: 'x', b: 'yy' }]);
  });

  it('end with the response that is judged', async () => {
    const { asked, scoring } = recording();
    const { url } = await serve({}, scoring);
    const answered = [...turns, { role: 'assistant', content: 'Two.' }];
    for (const path of ['/classify', '/pooling']) {
      expect((await post(url + path, { messages: answered })).status).toBe(200);
      expect(asked.at(-1)).toMatchObject({ prompt: turns, response: [answered.at(-1)] });
      for (const messages of [turns, [answered.at(-1)]]) {
        expect((await post(url + path, { messages })).body.error!.message).toMatch(
          /^messages do not end with/,
        );
      }
      expect((await post(url + path, {})).body.error!.message).toMatch(/^the body needs either/);
    }
    expect((await post(`${url}/get_reward`, { query: [{ messages: answered }] })).body.rewards).toEqual([
      0.4,
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no turns', [], /^pairs\[0\]\.prompt: /],
    ['too many turns', Array(257).fill(turns[0]), /^pairs\[0\]\.prompt: .*256/],
    ['a turn without a role', [{ content: 'x' }], /^pairs\[0\]\.prompt\[0\]\.role: /],
    ['a role that is no word', [{ role: '<|im_end|>', content: 'x' }], /^pairs\[0\]\.prompt\[0\]\.role: /],
    ['a text that is too long', [{ role: 'user', content: 'x'.repeat(101) }], /\.content: /],
    [
      'an image',
      [{ role: 'user', content: [{ type: 'image_url', image_url: 'x' }] }],
      /prompt\[0\]\.content/,
    ],
    ['no content', [{ role: 'user' }], /^pairs\[0\]\.prompt\[0\]\.content: /],
    ['an unknown field', [{ role: 'user', content: 'x', audio: 'y' }], /0\.audio is not a field/],
    [
      'half a character in a call',
      [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ function: { name: 'f', arguments: { '\ud800': 1 } } }],
        },
      ],
      /not well-formed Unicode/,
    ],
    ['neither a text nor turns', 7, /^pairs\[0\]\.prompt: /],
  ])('are refused with %s', async (_, prompt, message) => {
    const { compare } = await serve({ limits: { textLength: 100 } });
    const { status, body } = await compare({ pairs: [{ prompt, a: 'x', b: 'y' }] });
    expect([status, body.error!.code]).toEqual([422, 'invalid-request']);
    expect(body.error!.message).toMatch(message);
  });

  it.each(['bad-message', 'template-refused', 'template-unsupported'])(
    'that the template does not take (%s) are the fault of the request',
    async (code) => {
      const refused = Object.assign(new Error('turns have to alternate'), { code });
      const { compare } = await serve({}, { compare: async () => Promise.reject(refused) });
      const { status, body } = await compare({ pairs: [{ prompt: turns, a: 'x', b: 'y' }] });
      expect([status, body.error]).toMatchObject([422, { message: 'turns have to alternate' }]);
    },
  );
});

/** A template that writes a turn as "[role]text". */
const parseRendered: ParseRendered = async (text, prompt) => {
  if (!text.startsWith('[user]')) return undefined;
  const at = prompt?.length ?? text.lastIndexOf('[assistant]') + '[assistant]'.length;
  const asked = /^\[user\]([^[]*)\[assistant\]$/.exec(text.slice(0, at));
  if (asked === null) throw new Error('the text is not what the template writes');
  return { prompt: [{ role: 'user', content: asked[1]! }], response: text.slice(at) };
};

describe('rendered text', () => {
  it('is read back into turns by the template of the model', async () => {
    const { asked, scoring } = recording();
    const { url } = await serve({ parseRendered }, scoring);
    const expected = { prompt: [{ role: 'user', content: 'p' }], response: 'xx' };
    const query = ['[user]p[assistant]xx'];
    for (const [path, body] of [
      ['/get_reward', { query }],
      ['/get_reward', { query, prompts: ['[user]p[assistant]'], labels: ['x'] }],
      ['/classify', { input: query }],
      ['/pooling', { input: query[0] }],
    ] as const) {
      expect((await post(url + path, body)).status).toBe(200);
      expect(asked.at(-1)).toMatchObject(expected);
    }
    const posing = { query: ['[user]p[assistant]x[user]q[assistant]y'], prompts: ['[user]p[assistant]'] };
    expect((await post(`${url}/get_reward`, posing)).status).toBe(200);
    expect(asked.at(-1)).toMatchObject({ response: 'x[user]q[assistant]y' });
  });

  it.each<[string, object, string, RegExp]>([
    [
      'of the template, but broken',
      { query: ['[user]p'] },
      'unreadable-template',
      /^query\[0\]: the text is not/,
    ],
    [
      'of another template',
      {
        query: ['<|im_start|>user\np<|im_end|>\n<|im_start|>assistant\nx'],
        prompts: ['<|im_start|>user\np'],
      },
      'unreadable-template',
      /^query\[0\] holds "<\|im_start\|>"/,
    ],
    [
      'that does not begin with its prompt',
      { query: ['x'], prompts: ['y'] },
      'invalid-request',
      /does not begin/,
    ],
    ['that is plain, without a prompt', { query: ['x'] }, 'invalid-request', /nothing says where/],
  ])('%s is refused with a hint', async (_, body, code, message) => {
    const { url } = await serve({ parseRendered }, scoringModel);
    const { status, body: reply } = await post(`${url}/get_reward`, body);
    expect([status, reply.error!.code]).toEqual([422, code]);
    expect(reply.error!.message).toMatch(message);
    expect(reply.error!.hint).not.toBe('');
  });

  it.each(['<|start_header_id|>', '<start_of_turn>', '[INST]'])(
    'that begins turns with %s is refused by a server that has no template',
    async (mark) => {
      const { url } = await serve({}, scoringModel);
      const body = { query: [`${mark}p x`], prompts: [`${mark}p`] };
      expect((await post(`${url}/get_reward`, body)).body.error!.code).toBe('unreadable-template');
    },
  );
});

describe('flags', () => {
  it('are given at every address, for pairwise models and for rewards', async () => {
    const { judge, scoring } = recording();
    for (const model of [judge, scoring]) {
      const { url } = await serve({}, model);
      const ask = async (path: string, body: object) => (await post(url + path, body)).body;
      const responses = ['LONG', 'MARK', 'x', 'y'];
      const marked = { truncated: false, neutralized: true };
      const cut = { truncated: true, neutralized: false };
      const { results } = await ask('/v1/compare', { pairs: [{ prompt: 'p', a: 'x', b: 'MARK' }] });
      if (model === judge) expect(results).toMatchObject([marked]);
      const ranked = await ask('/v1/rank', { prompt: 'p', responses });
      expect(ranked.responses).toMatchObject([{ truncated: true }, { neutralized: true }, {}, {}]);
      const scored = await ask('/score', {
        text_1: ['p', 'p', 'q', 'q'],
        text_2: ['LONG', 'x', 'MARK', 'y'],
      });
      expect(scored.data).toMatchObject([cut, {}, marked, {}]);
      const reward = await ask('/get_reward', {
        query: ['pLONG', 'px', 'qMARK', 'qy'],
        prompts: ['p', 'p', 'q', 'q'],
      });
      expect(reward.extra_logs).toMatchObject(
        model === judge
          ? { truncated: [1, 1, 0, 0], neutralized: [0, 0, 1, 1] }
          : { truncated: [1, 0, 0, 0], neutralized: [0, 0, 1, 0] },
      );
      const { results: reranked, meta } = await ask('/rerank', { query: 'p', documents: responses });
      const flagged = (reranked as { index: number; truncated: boolean }[]).find(({ index }) => index === 0);
      expect(flagged).toMatchObject({ truncated: true });
      expect((meta as { warnings: string[] }).warnings).toHaveLength(2);
    }
    const { url } = await serve({}, scoring);
    const messages = [
      { role: 'user', content: 'MARK' },
      { role: 'assistant', content: 'LONG' },
    ];
    for (const path of ['/classify', '/pooling']) {
      expect((await post(url + path, { messages })).body.data).toMatchObject([
        { truncated: true, neutralized: true },
      ]);
    }
  });
});
