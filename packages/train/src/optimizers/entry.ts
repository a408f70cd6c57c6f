import { z } from 'zod';
import type { Optimizer } from './optimizer.js';

/** An optimizer that a configuration can name. */
export interface OptimizerEntry<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** Settings that no other optimizer has. */
  readonly settings: Shape;
  /** Makes the optimizer of a configuration. */
  create(settings: { readonly weightDecay: number }): Optimizer;
}

/** Makes an entry whose settings are typed by their schema. */
export function defineOptimizer<const Shape extends z.ZodRawShape>({
  settings,
  create,
}: {
  readonly settings: Shape;
  create(settings: z.output<z.ZodObject<Shape>> & { readonly weightDecay: number }): Optimizer;
}): OptimizerEntry<Shape> {
  const schema = z.object(settings);
  return {
    settings,
    create: (all) => create({ ...schema.parse(all), weightDecay: all.weightDecay }),
  };
}
