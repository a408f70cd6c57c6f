import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { HttpError } from '../error.js';
import type { Limits } from '../options.js';
import { answers } from './answers.js';
import { CONVERSATION_LIMITS, conversationShape } from './input/conversations.js';
import { wellFormed } from './input/texts.js';

// This file, the answers and the conversations know the library: shapes as checks and as JSON Schema.

/** Shape of what comes in and what goes out at an address. */
export interface Shape<Request = unknown> {
  /** @throws {HttpError} 422, which names the field */
  parse(body: unknown): Request;
  /** JSON Schema (2020-12) of the request. */
  readonly request: object;
  /** JSON Schema (2020-12) of the answer. */
  readonly response: object;
  /** Whether an answer has exactly the documented fields; for tests. */
  matches(answer: unknown): boolean;
}

/** The shape of an error. */
export const errorSchema = json(
  z.strictObject({
    error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string() }),
  }),
);

type ShapeLimits = Pick<Limits, 'comparisons' | 'textLength'>;

/** Creates the shapes of all addresses that take a body. */
export function createShapes(limits: ShapeLimits) {
  const { comparisons } = limits;
  const parts = createParts(limits);
  const own = ownRequests(parts, comparisons);
  const others = requestsOfOthers(parts, comparisons);
  return {
    compare: shapeOf(own.compare, answers.compare, comparisons),
    rank: shapeOf(own.rank, answers.rank, comparisons),
    cohort: shapeOf(own.cohort, answers.cohort, comparisons),
    getReward: shapeOf(others.getReward, answers.getReward, comparisons),
    score: shapeOf(others.score, answers.score, comparisons),
    classify: shapeOf(others.classify, answers.classify, comparisons),
    pooling: shapeOf(others.pooling, answers.pooling, comparisons),
    rerank: shapeOf(others.rerank, answers.rerank, comparisons),
  };
}

/** All shapes. */
export type Shapes = ReturnType<typeof createShapes>;

type Parts = ReturnType<typeof createParts>;

function createParts({ comparisons, textLength }: ShapeLimits) {
  const text = z.string().max(textLength).refine(wellFormed, 'not well-formed Unicode');
  const turns = conversationShape(text);
  const messages = z.strictObject({ messages: turns }).transform((value) => value.messages);
  return {
    text,
    turns,
    texts: z.array(text).min(1).max(comparisons),
    one: text.transform((value) => [value]),
    /** A prompt or a response of our own formats: a text, or a list of messages. */
    side: z.union([text, turns]),
    /** An entry of a list of others' formats, where a list of messages would be taken for more entries. */
    entry: z.union([text, messages]),
    tools: z.array(z.record(z.string(), z.json())).max(128).optional(),
    /** Other servers let clients name a model; there is one here, and any name means it. */
    model: z.string().max(1000).nullish(),
    useActivation: z.boolean().nullish(),
  };
}

function ownRequests({ side, tools }: Parts, comparisons: number) {
  const prompt = side.describe('a text, or the messages of a conversation so far');
  const response = side.describe('a text, or the messages that follow');
  return {
    compare: z.strictObject({
      pairs: z
        .array(z.strictObject({ prompt, tools, a: response, b: response }))
        .min(1)
        .max(comparisons),
    }),
    rank: z.strictObject({ prompt, tools, responses: z.array(response).min(2).max(comparisons) }),
    cohort: z.strictObject({
      prompt,
      tools,
      responses: z.array(response).min(1).max(comparisons),
      reference: response.optional().describe('what each is compared with; not used where there are rewards'),
    }),
  };
}

function requestsOfOthers(
  { text, texts, one, side, turns, entry, model, useActivation }: Parts,
  most: number,
) {
  const entries = z.array(entry).min(1).max(most);
  const sides = z.union([one, entry.transform((value) => [value]), entries]).optional();
  const prompts = sides.describe('prompts: one, or one for each response');
  const responses = sides.describe('responses: one, or one for each prompt');
  const document = z.union([text, z.looseObject({ text }).transform(({ text: value }) => value)]);
  const activation = (byDefault: boolean) =>
    useActivation.describe(
      `whether the logistic function is applied to rewards of a score head; default ${byDefault}`,
    );
  const judged = (byDefault: boolean) =>
    z.looseObject({
      model,
      messages: turns.optional().describe('a conversation of which the last message is the response'),
      input: z.union([one, texts]).optional().describe('conversations as the chat template writes them'),
      use_activation: activation(byDefault),
    });
  return {
    getReward: z.looseObject({
      query: entries.describe('prompt and response of each item, one after the other, or its messages'),
      prompts: texts.optional().describe('the prompt that each query begins with'),
      labels: z.unknown().optional().describe('not used'),
    }),
    score: z.looseObject({
      model,
      text_1: prompts,
      text_2: responses,
      data_1: prompts,
      data_2: responses,
      queries: prompts,
      documents: responses,
      items: responses,
      use_activation: activation(true),
    }),
    classify: judged(true),
    pooling: judged(false),
    rerank: z.looseObject({
      model,
      query: side.describe('a text, or the messages of a conversation so far'),
      documents: z.array(document).min(1).max(most),
      top_n: z.int().min(1).nullish(),
      top_k: z.int().min(1).nullish().describe('the same as top_n'),
      rank_fields: z.null().optional().describe('not supported'),
      return_documents: z.boolean().nullish().describe('default true, but at /v2/rerank'),
    }),
  };
}

function shapeOf<Request>(
  request: z.ZodType<Request>,
  response: z.ZodType,
  longestList: number,
): Shape<Request> {
  return {
    request: json(request),
    response: json(response),
    matches: (answer) => response.safeParse(answer).success,
    parse(body) {
      checkLists(body, Math.max(longestList, CONVERSATION_LIMITS.turns));
      const result = request.safeParse(body);
      if (result.success) return result.data;
      throw invalid(describeIssues(result.error.issues.slice(0, 1).map(clearestIssue), 'the body'));
    },
  };
}

/** Looks into a choice of shapes for the one that was meant: of a list, for instance, the entry that is wrong in it. */
function clearestIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const branches = issue.errors.map(([first]) => first).filter((first) => first !== undefined);
  const meant = branches.find(({ path, code }) => path.length > 0 || code !== 'invalid_type') ?? branches[0];
  return meant === undefined ? issue : clearestIssue({ ...meant, path: [...issue.path, ...meant.path] });
}

/** An answer 422. */
export function invalid(message: string, hint = 'see /openapi.json for what is accepted'): HttpError {
  // A message may repeat names from the request.
  return new HttpError(422, 'invalid-request', message.slice(0, 300), hint);
}

/** Fields that a body may have. */
export const FIELDS = 100;

/** A list with a million wrong entries would take a second to complain about. */
function checkLists(body: unknown, most: number): void {
  if (typeof body !== 'object' || body === null) return;
  const keys = Object.keys(body);
  if (keys.length > FIELDS) throw invalid(`the body has ${keys.length} fields`);
  for (const key of keys) {
    const value = (body as Record<string, unknown>)[key];
    if (Array.isArray(value) && value.length > most) {
      throw invalid(`${key} has ${value.length} entries and ${most} are allowed`, 'send several requests');
    }
  }
}

function json(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as Record<string, unknown>;
  return rest;
}
