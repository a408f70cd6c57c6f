import { describeIssues } from '@gram/base';
import { z } from 'zod';
import { HttpError } from '../error.js';
import type { Limits } from '../options.js';

// The one place that knows the library: shapes of requests and answers, as checks and as JSON Schema.

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

const verdict = {
  probability: z.number().min(0).max(1).describe('that a is preferred, the mean of both orders'),
  orders: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('the same where a is shown first, and where b is; absent for models that see one response'),
  consistent: z.boolean().describe('whether both orders prefer the same response'),
  truncated: z.boolean().describe('whether text was cut to fit the model'),
  neutralized: z.boolean().describe('whether text that poses as a part of the prompt was escaped'),
};

/** Answers of the addresses. */
const answers = {
  compare: z.strictObject({ model: z.string(), results: z.array(z.strictObject(verdict)) }),
  rank: z.strictObject({
    model: z.string(),
    order: z.array(z.int()).describe('indices of the responses, best first'),
    scores: z.array(z.number()).describe('mean probability that each is preferred to another'),
    comparisons: z.int(),
    pairs: z.array(z.strictObject({ a: z.int(), b: z.int(), ...verdict })),
  }),
  getReward: z.strictObject({
    rewards: z.array(z.number()),
    scores: z.array(z.number()),
    extra_logs: z.strictObject({}),
  }),
  score: z.strictObject({
    id: z.string(),
    object: z.literal('list'),
    created: z.int(),
    model: z.string(),
    data: z.array(z.strictObject({ index: z.int(), object: z.literal('score'), score: z.number() })),
    usage: z.strictObject({}),
  }),
  rerank: z.strictObject({
    id: z.string(),
    model: z.string(),
    usage: z.strictObject({}),
    results: z.array(
      z.strictObject({
        index: z.int(),
        relevance_score: z.number(),
        document: z.strictObject({ text: z.string() }).optional(),
      }),
    ),
  }),
};

type ShapeLimits = Pick<Limits, 'comparisons' | 'textLength'>;

/** Creates the shapes of all addresses that take a body. */
export function createShapes({ comparisons, textLength }: ShapeLimits) {
  const text = z
    .string()
    .max(textLength)
    // Half of a surrogate pair is no character: a tokenizer would see something else than was sent.
    .refine((value) => !/\p{Surrogate}/u.test(value), 'not well-formed Unicode');
  const texts = z.array(text).min(1).max(comparisons);
  const one = text.transform((value) => [value]);
  /** Other servers let clients name a model; there is one here, and any name means it. */
  const model = z.string().max(1000).nullish();
  const pair = z.strictObject({ prompt: text, a: text, b: text });
  const document = z.union([text, z.looseObject({ text }).transform(({ text: value }) => value)]);

  const compare = z.strictObject({ pairs: z.array(pair).min(1).max(comparisons) });
  const rank = z.strictObject({ prompt: text, responses: z.array(text).min(2).max(comparisons) });
  const getReward = z.looseObject({
    query: texts.describe('prompt and response of each item, one after the other'),
    prompts: texts.describe('the prompt that each query begins with'),
    labels: z.unknown().optional().describe('not used'),
  });
  const score = z.looseObject({
    model,
    text_1: z.union([one, texts]).describe('a prompt for all responses, or one for each'),
    text_2: z.union([one, texts]).describe('responses'),
  });
  const rerank = z.looseObject({
    model,
    query: text,
    documents: z.array(document).min(1).max(comparisons),
    top_n: z.int().min(1).nullish(),
    return_documents: z.boolean().nullish().describe('default true'),
  });
  return {
    compare: shapeOf(compare, answers.compare, comparisons),
    rank: shapeOf(rank, answers.rank, comparisons),
    getReward: shapeOf(getReward, answers.getReward, comparisons),
    score: shapeOf(score, answers.score, comparisons),
    rerank: shapeOf(rerank, answers.rerank, comparisons),
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
      checkLists(body, longestList);
      const result = request.safeParse(body);
      if (result.success) return result.data;
      throw invalid(describeIssues(result.error.issues.slice(0, 1), 'the body'));
    },
  };
}

/** All shapes. */
export type Shapes = ReturnType<typeof createShapes>;

/** An answer 422. */
export function invalid(message: string, hint = 'see /openapi.json for what is accepted'): HttpError {
  // A message may repeat names from the request.
  return new HttpError(422, 'invalid-request', message.slice(0, 300), hint);
}

/** A list with a million wrong entries would take a second to complain about. */
function checkLists(body: unknown, most: number): void {
  if (typeof body !== 'object' || body === null) return;
  const keys = Object.keys(body);
  if (keys.length > 100) throw invalid(`the body has ${keys.length} fields`);
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
