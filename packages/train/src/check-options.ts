import { issuePath } from '@gram/base';
import type { z } from 'zod';
import { TrainError } from './error.js';

/**
 * Checks options against their schema, which also fills in the defaults.
 *
 * @throws {TrainError} `bad-option`, naming the option
 */
export function checkOptions<T>(schema: z.ZodType<T>, options: unknown): T {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue = { path: [], message: 'is invalid' }] = result.error.issues;
  const option = issuePath(issue) || 'the options';
  throw new TrainError('bad-option', `${option}: ${issue.message}`, `correct ${option}`);
}
