import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  type ChatLayout,
  chatLayoutFromTemplate,
  createChatEncoder,
  createChatTemplate,
  judgePrompt,
  plainChat,
  tokenizerFromJson,
  trainBpe,
} from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { expect, it, onTestFinished } from 'vitest';
import {
  demonstrationEncoder,
  policyPairEncoder,
  preferenceEncoder,
  responsePairEncoder,
  rewardPairEncoder,
} from './encode.js';
import type { RecordEncoder } from './encode-all.js';
import { encodePacked, type ThreadSettings } from './encode-packed.js';
import { encoderSettings, pairEncoderOf } from './encoder-settings.js';

const module = new URL('../../dist/encoding-thread.js', import.meta.url);
const world = createWorld({ seed: 3 });
const tokenizer = tokenizerFromJson(
  trainBpe({
    texts: world.corpus(50),
    vocabSize: 500,
    specialTokens: [...plainChat.specialTokens, '<|im_start|>', '<|im_end|>'],
  }),
);
const template = createChatTemplate({
  template: `{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}`,
  specialTokens: { pad_token: '<|im_end|>' },
});
const chatml = await chatLayoutFromTemplate({ template, tokenizer });
const toolsOf = (chat: ChatLayout) => ({
  encoding: { tokenizer, chat, maxLength: 48, overlong: 'truncate' as const },
  judgePrompt: judgePrompt('gram-compact-1'),
});
const pairs = world.labeledPairs(40);
const dialogs = world.demonstrations(40).map(({ prompt, ...rest }) => ({
  ...rest,
  prompt: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: `${prompt}` },
  ],
}));

const kinds: [string, ChatLayout, (chat: ChatLayout) => Promise<RecordEncoder<never, unknown>>, object[]][] =
  [
    [
      'stage 1',
      plainChat,
      async (chat) => responsePairEncoder(await pairEncoderOf(toolsOf(chat))),
      pairs.map(({ chosen, rejected, ...rest }) => ({ ...rest, responses: [chosen, rejected] })),
    ],
    [
      'stage 2',
      plainChat,
      async (chat) => preferenceEncoder(await pairEncoderOf(toolsOf(chat)), { seed: 5, bothOrders: false }),
      [...pairs, { ...pairs[0], prompt: '' }],
    ],
    [
      'demonstrations of several turns',
      chatml,
      async (chat) => demonstrationEncoder(await createChatEncoder(toolsOf(chat).encoding)),
      dialogs,
    ],
    [
      'Bradley-Terry',
      chatml,
      async (chat) => rewardPairEncoder(await createChatEncoder(toolsOf(chat).encoding)),
      pairs,
    ],
    [
      'a policy',
      plainChat,
      async (chat) => policyPairEncoder(await createChatEncoder(toolsOf(chat).encoding)),
      pairs,
    ],
  ];

it.skipIf(!existsSync(fileURLToPath(module))).each(kinds)(
  'another thread gives the examples of %s that this one gives, and fails where this one fails',
  async (_, chat, open, records) => {
    const encoder = await open(chat);
    const settings: ThreadSettings = {
      encoder: encoderSettings(encoder.way, toolsOf(chat)),
      degenerate: 'drop',
    };
    const worker = new Worker(module, { workerData: settings });
    onTestFinished(() => void worker.terminate());
    const answer = async () => (await once(worker, 'message'))[0];
    expect(await answer()).toBe('ready');
    // The encoder takes the records of its own kind, which the table does not tell.
    const chunk = { first: 7, records: records as never[] };
    worker.postMessage(chunk);
    expect(await answer()).toEqual({ result: await encodePacked(encoder, chunk, 'drop') });
    const bad = { first: 0, records: [{ ...records[0], prompt: '\ud800', responses: undefined }] };
    worker.postMessage(bad);
    expect(await answer()).toBe('failed');
  },
);
