import { z } from 'zod';

const MAX_INT = 2 ** 31 - 1;

/** A positive integer. */
export const size = z.int().min(1).max(MAX_INT);

/** The id of a token. */
export const token = z.int().min(0).max(MAX_INT);

/** A field of which one value is supported. */
export const only = <T extends boolean | number | string>(value: T) =>
  z.literal(value, `only ${JSON.stringify(value)} is supported`);

/** The activation of most families. */
export const siluField = { hidden_act: only('silu').default('silu') };

/** Fields of families that can have windows, where they have none: what else they say of windows has no effect. */
export const fullAttentionFields = {
  use_sliding_window: only(false).default(false),
  sliding_window: size.nullish(),
  max_window_layers: z.unknown().optional(),
  layer_types: z.array(only('full_attention')).nullish(),
};
