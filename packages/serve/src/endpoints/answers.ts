import { z } from 'zod';

const flags = {
  truncated: z.boolean().describe('whether text was cut to fit the model'),
  neutralized: z.boolean().describe('whether text that poses as a part of the prompt was escaped'),
};

const verdict = {
  probability: z.number().min(0).max(1).describe('that a is preferred, the mean of both orders'),
  orders: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('the same where a is shown first, and where b is; absent for models that see one response'),
  consistent: z.boolean().describe('whether both orders prefer the same response'),
  ...flags,
};

/** Clients of vLLM read these; tokens are not counted. */
const usage = z.strictObject({
  prompt_tokens: z.literal(0),
  total_tokens: z.literal(0),
  completion_tokens: z.literal(0),
});

const list = { id: z.string(), object: z.literal('list'), created: z.int(), model: z.string(), usage };

const result = { index: z.int(), relevance_score: z.number(), ...flags };

/** Shapes of what the addresses answer. */
export const answers = {
  compare: z.strictObject({ model: z.string(), results: z.array(z.strictObject(verdict)) }),
  rank: z.strictObject({
    model: z.string(),
    order: z.array(z.int()).describe('indices of the responses, best first'),
    scores: z.array(z.number()).describe('mean probability that each is preferred to another'),
    responses: z
      .array(z.strictObject({ reward: z.number().optional(), ...flags }))
      .describe('the reward of each, where the model has one, and its flags'),
    comparisons: z.int(),
    pairs: z.array(z.strictObject({ a: z.int(), b: z.int(), ...verdict })),
  }),
  cohort: z.strictObject({
    model: z.string(),
    scores: z
      .array(z.number().nullable())
      .describe('one for each response; null where it was not known in time'),
    missing: z.int().describe('number of scores that are null'),
    responses: z.array(z.strictObject(flags)).describe('the flags of each response'),
  }),
  getReward: z.strictObject({
    rewards: z.array(z.number()),
    scores: z.array(z.number()),
    extra_logs: z.strictObject({
      truncated: z.array(z.union([z.literal(0), z.literal(1)])),
      neutralized: z.array(z.union([z.literal(0), z.literal(1)])),
    }),
  }),
  score: z.strictObject({
    ...list,
    data: z.array(
      z.strictObject({ index: z.int(), object: z.literal('score'), score: z.number(), ...flags }),
    ),
  }),
  classify: z.strictObject({
    ...list,
    data: z.array(
      z.strictObject({
        index: z.int(),
        label: z.null(),
        probs: z.tuple([z.number()]),
        num_classes: z.literal(1),
        ...flags,
      }),
    ),
  }),
  pooling: z.strictObject({
    ...list,
    data: z.array(
      z.strictObject({ index: z.int(), object: z.literal('pooling'), data: z.tuple([z.number()]), ...flags }),
    ),
  }),
  rerank: z.strictObject({
    id: z.string(),
    model: z.string(),
    usage: z.strictObject({ prompt_tokens: z.literal(0), total_tokens: z.literal(0) }),
    meta: z.strictObject({
      api_version: z.strictObject({ version: z.literal('2') }),
      warnings: z.array(z.string()).optional(),
    }),
    results: z.array(
      z.strictObject({ ...result, document: z.strictObject({ text: z.string() }).optional() }),
    ),
    object: z.literal('list').optional(),
    data: z
      .array(z.strictObject({ ...result, document: z.string().optional() }))
      .optional()
      .describe('the results again, where top_k was given, as clients of Voyage read them'),
  }),
};
