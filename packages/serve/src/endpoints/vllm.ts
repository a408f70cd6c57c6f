import { randomUUID } from 'node:crypto';
import type { Answer, Prompt } from '@gram/base';
import { sigmoid, type TextFlags } from '@gram/ranking';
import { HttpError } from '../error.js';
import { judgedPart } from './input/conversations.js';
import { readRendered } from './rendered.js';
import { invalid, type Shapes } from './schemas.js';
import { type Score, type Scored, scoreEach, type Work } from './scores.js';

type Request<Name extends keyof Shapes> = ReturnType<Shapes[Name]['parse']>;

/** `POST /v1/score`: one prompt for each response, or one prompt or one response for all. */
export async function score(request: Request<'score'>, work: Work): Promise<object> {
  const { use_activation } = request;
  const { prompts, responses } = sidesOf(request);
  const length = Math.max(prompts.length, responses.length);
  const at = <Side extends Prompt | Answer>(sides: readonly Side[], index: number): Side => {
    const side = sides.length === 1 ? sides[0] : sides[index];
    if (side === undefined) throw new RangeError(`there is no entry ${index}`);
    return side;
  };
  const items = Array.from({ length }, (_, index) => {
    return { prompt: at(prompts, index), response: at(responses, index) };
  });
  const scored = await scoreEach(items, work);
  const value = activationOf(work, use_activation ?? true);
  return answer('score', work, scored, (each) => ({ object: 'score', score: value(each) }));
}

/** `POST /classify`: the reward of conversations, as a classifier with one class gives it. */
export async function classify(request: Request<'classify'>, work: Work): Promise<object> {
  const value = activationOf(work, request.use_activation ?? true);
  const scored = await scoreEach(await conversationsOf(request, work), work);
  return answer('classify', work, scored, (each) => ({ label: null, probs: [value(each)], num_classes: 1 }));
}

/** `POST /pooling`: the reward of conversations, as a reward model gives it. */
export async function pooling(request: Request<'pooling'>, work: Work): Promise<object> {
  const value = activationOf(work, request.use_activation ?? undefined);
  const scored = await scoreEach(await conversationsOf(request, work), work);
  return answer('pool', work, scored, (each) => ({ object: 'pooling', data: [value(each)] }));
}

/** The names that prompts and responses have in requests for scores. */
const SIDES = [
  ['text_1', 'text_2'],
  ['data_1', 'data_2'],
  ['queries', 'documents'],
  ['queries', 'items'],
] as const;

function sidesOf(request: Request<'score'>) {
  const given = SIDES.filter(([a, b]) => request[a] !== undefined && request[b] !== undefined);
  const [names, ...others] = given;
  if (names === undefined || others.length > 0) {
    const pairs = SIDES.map((each) => each.join(' and ')).join(', or ');
    throw invalid(
      names === undefined ? 'there are no prompts and responses' : 'prompts and responses are given twice',
      `send ${pairs}`,
    );
  }
  const [prompts = [], responses = []] = names.map((name) => request[name]);
  const [a, b] = [prompts.length, responses.length];
  if (a === b || a === 1 || b === 1) return { prompts, responses };
  throw invalid(`${names[0]} has ${a} entries and ${names[1]} has ${b}`, 'send one, or as many of each');
}

async function conversationsOf(
  { messages, input }: Pick<Request<'classify'>, 'messages' | 'input'>,
  work: Work,
): Promise<Scored[]> {
  if ((messages === undefined) === (input === undefined)) {
    throw invalid('the body needs either messages or input', 'send the messages of a conversation');
  }
  if (messages !== undefined) {
    const judged = judgedPart(messages);
    if (judged !== undefined) return [judged];
    throw invalid(
      'messages do not end with an answer of the assistant',
      'send the response as the last message',
    );
  }
  return Promise.all(
    (input ?? []).map(async (text, index) => {
      const rendered = await readRendered(text, `input[${index}]`, work);
      if (rendered !== undefined) return rendered;
      throw invalid(
        `input[${index}] is a plain text, and nothing says where its response begins`,
        'send messages, or a conversation as the chat template of the model writes it',
      );
    }),
  );
}

/**
 * How a score is written: a reward as it is or through the logistic function; a probability of a pairwise model as it is.
 *
 * @param isWanted undefined for rewards as they are where there are rewards
 */
function activationOf({ rewards }: Work, isWanted: boolean | undefined): (score: Score) => number {
  if (rewards === undefined && isWanted === false) {
    throw new HttpError(
      422,
      'no-reward',
      'the model compares responses and has no reward before the logistic function',
      'leave out use_activation',
    );
  }
  return rewards !== undefined && isWanted ? (each) => sigmoid(each.score) : (each) => each.score;
}

function answer(
  kind: string,
  { name }: Work,
  scored: readonly Score[],
  write: (score: Score) => object,
): object {
  return {
    id: `${kind}-${randomUUID()}`,
    object: 'list',
    created: Math.floor(Date.now() / 1000),
    model: name,
    data: scored.map((each, index) => ({ index, ...write(each), ...flagsOf(each) })),
    usage: { prompt_tokens: 0, total_tokens: 0, completion_tokens: 0 },
  };
}

const flagsOf = ({ truncated, neutralized }: TextFlags): TextFlags => ({ truncated, neutralized });
