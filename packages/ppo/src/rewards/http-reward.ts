import { conversationText, type Prompt, promptTurns, type Turn } from '@gram/base';
import { readJson } from '@gram/reward';
import { PpoError } from '../error.js';
import type { RewardedResponse, RewardFunction, RewardGroup } from './reward.js';

/** Forms of requests that a remote reward can be asked in. */
export const remoteForms = ['gram', 'openrlhf', 'vllm-score', 'vllm-pooling', 'json'] as const;

/** Form of the requests to a remote reward. */
export type RemoteForm = (typeof remoteForms)[number];

/** Choices of what a server is to compare a response with. */
export const remoteReferences = ['greedy', 'answer', 'group'] as const;

/** Forms whose requests say what a response is compared with. */
export const comparingForms: readonly RemoteForm[] = ['gram', 'json'];

/** Options of `remoteReward`. */
export interface RemoteRewardOptions {
  /** Address of the server; for `json` and `openrlhf` that of the reward itself. */
  readonly url: string;
  /**
   * Form of the requests. `gram` is `/v1/cohorts` of `gram serve`; `openrlhf` the remote reward model of OpenRLHF; `vllm-score` and
   * `vllm-pooling` are vLLM's `/v1/score` and `/pooling`; `json` is the group as JSON, answered with its rewards.
   */
  readonly form: RemoteForm;
  /**
   * Texts that a response is compared with, in the forms `gram` and `json`: the greedy response where the run draws one, the answer of the
   * record, without which there is no reward, or the other responses to the prompt. @default 'greedy'
   */
  readonly against?: (typeof remoteReferences)[number];
  /** Model to name in requests. @default none, which vLLM takes for the one that it serves */
  readonly model?: string;
  /** Key that is sent as `Authorization: Bearer KEY`. @default none */
  readonly apiKey?: string;
  /** Time that the server is told to answer within, in milliseconds; `gram` answers with what it has by then. @default 60000 */
  readonly deadlineMs?: number;
  /** Writes a prompt as the policy reads it, for `openrlhf`. @default the text of the conversation */
  readonly render?: (group: RewardGroup) => string | Promise<string>;
}

/** One request to a server. */
interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** The request for the rewards of a group, and what the answer says. */
type Form = (
  group: RewardGroup,
  options: RemoteRewardOptions,
  call: Call,
) => Promise<(number | null | RewardedResponse)[]>;

/**
 * Makes a reward of a server. One request is sent for all responses to a prompt (for each response with `vllm-pooling`); what fails
 * is for the policy of failures to repeat, see `NamedReward`.
 *
 * @throws PpoError `bad-option` for what is no address; the function does `reward-failed`
 */
export function remoteReward(options: RemoteRewardOptions): RewardFunction {
  const { url, form, against = 'greedy', apiKey, deadlineMs = 60_000 } = options;
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new PpoError(
      'bad-option',
      `${JSON.stringify(url)} is no address of a server`,
      'give one such as http://127.0.0.1:8000',
    );
  }
  const headers = {
    'Content-Type': 'application/json',
    'Gram-Deadline-Ms': String(Math.ceil(deadlineMs)),
    ...(apiKey === undefined || apiKey === '' ? {} : { Authorization: `Bearer ${apiKey}` }),
  };
  return async (groups, { signal }) => {
    const ask = (group: RewardGroup) => forms[form](group, options, { url: address.href, headers, signal });
    const rewards: (number | null | RewardedResponse)[][] = [];
    for (const group of groups) {
      const compared = comparedWith(group, against);
      rewards.push(compared === undefined ? group.responses.map(() => null) : await ask(compared));
    }
    return rewards;
  };
}

/** The group with what its responses are compared with; undefined where there is nothing. */
function comparedWith(
  { reference, ...group }: RewardGroup,
  against: (typeof remoteReferences)[number],
): RewardGroup | undefined {
  if (against === 'group') return group;
  if (against === 'greedy') return { ...group, ...(reference !== undefined && { reference }) };
  return group.answer === undefined ? undefined : { ...group, reference: conversationText(group.answer) };
}

const forms: Readonly<Record<RemoteForm, Form>> = {
  async gram(group, _, call) {
    const { prompt, tools, responses, reference } = group;
    const answer = await post(
      { ...call, url: below(call.url, 'v1/cohorts') },
      { prompt, tools, responses, reference },
    );
    return listOf(answer, 'scores').map((score, place) => {
      const { truncated = false, neutralized = false } = flagsAt(answer, place);
      const failed = score === null;
      return { reward: numberOrNull(score), truncated, neutralized, failed };
    });
  },
  async openrlhf(group, { render = ({ prompt }) => conversationText(prompt) }, call) {
    const { responses, answer: expected } = group;
    const text = await render(group);
    const answer = await post(call, {
      query: responses.map((response) => text + response),
      prompts: responses.map(() => text),
      labels: responses.map(() => (expected === undefined ? '' : conversationText(expected))),
    });
    return listOf(answer, 'rewards').map(numberOrNull);
  },
  async 'vllm-score'({ prompt, responses }, { model }, call) {
    const body = { ...named(model), text_1: conversationText(prompt), text_2: responses };
    const answer = await post({ ...call, url: below(call.url, 'v1/score') }, body);
    return inOrder(answer, responses.length, ({ score }) => score);
  },
  async 'vllm-pooling'({ prompt, responses }, { model }, call) {
    const rewards: (number | null)[] = [];
    for (const response of responses) {
      const messages = [...turnsOf(prompt), { role: 'assistant', content: response }];
      const answer = await post({ ...call, url: below(call.url, 'pooling') }, { ...named(model), messages });
      // A model with a score for each token, as process reward models have, says the last one of all.
      const [data] = inOrder(answer, 1, (each) => lastNumber(each.data));
      rewards.push(data ?? null);
    }
    return rewards;
  },
  async json({ id, prompt, tools, responses, reference, answer: expected, fields }, _, call) {
    const body = { id, prompt, tools, responses, reference, answer: expected, fields };
    const answer = await post(call, body);
    const list = Array.isArray(answer) ? answer : listOf(answer, 'rewards');
    return list.map(numberOrNull);
  },
};

function named(model: string | undefined): { readonly model?: string } {
  return model === undefined ? {} : { model };
}

function turnsOf(prompt: Prompt): readonly Turn[] {
  return promptTurns(prompt);
}

/** An address below that of a server. */
function below(url: string, path: string): string {
  const { origin, pathname } = new URL(url);
  return new URL(path, `${origin}${pathname.replace(/\/*$/, '/')}`).href;
}

/** Sends a request and returns the JSON that it is answered with. */
async function post({ url, headers, signal }: Call, body: object): Promise<unknown> {
  let response: Response;
  try {
    // A redirect would carry the key to another place.
    const init = { method: 'POST', headers, redirect: 'error', ...(signal && { signal }) } as const;
    response = await fetch(url, { ...init, body: JSON.stringify(body) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw remoteProblem(`${url} cannot be reached`, 'check the address of the server', cause);
  }
  const answer = await readJson(response);
  if (response.ok) return answer;
  const { message } = ((answer as { error?: unknown } | undefined)?.error ?? {}) as Record<string, unknown>;
  const said = typeof message === 'string' ? `: ${message.slice(0, 200)}` : '';
  throw remoteProblem(`the server answered ${response.status}${said}`, 'see what the server says');
}

/** A list in an answer. */
function listOf(answer: unknown, name: string): unknown[] {
  const list = (answer as Record<string, unknown> | null | undefined)?.[name];
  if (Array.isArray(list)) return list;
  throw remoteProblem(`the answer has no list ${name}`, 'check the address and the form of the server');
}

/** Reads the entries of vLLM's `data`, in the order of their index. */
function inOrder(
  answer: unknown,
  count: number,
  scoreOf: (entry: Readonly<Record<string, unknown>>) => unknown,
): (number | null)[] {
  const entries = listOf(answer, 'data') as readonly Readonly<Record<string, unknown>>[];
  const values = new Map(entries.map((entry, place) => [entry?.index ?? place, scoreOf(entry ?? {})]));
  if (values.size !== count) {
    throw remoteProblem(`the answer has ${values.size} scores for ${count} responses`, 'check the server');
  }
  return Array.from({ length: count }, (_, place) => numberOrNull(values.get(place)));
}

/** The last number of a list of numbers, or of a list of such lists. */
function lastNumber(data: unknown): unknown {
  return Array.isArray(data) ? lastNumber(data.at(-1)) : data;
}

function flagsAt(answer: unknown, place: number): { truncated?: boolean; neutralized?: boolean } {
  const responses = (answer as { responses?: unknown }).responses;
  const own: unknown = Array.isArray(responses) ? responses[place] : undefined;
  const { truncated, neutralized } = (own ?? {}) as Record<string, unknown>;
  return { truncated: truncated === true, neutralized: neutralized === true };
}

/** A number or null; anything else is no reward that counts, and is reported as it is. */
function numberOrNull(value: unknown): number | null {
  if (value === null || typeof value === 'number') return value;
  throw remoteProblem(
    `the answer has ${JSON.stringify(value)?.slice(0, 60)} in the place of a number`,
    'check the server',
  );
}

function remoteProblem(message: string, hint: string, cause?: unknown): PpoError {
  return new PpoError('reward-failed', message, hint, { cause });
}
