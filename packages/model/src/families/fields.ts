import { z } from 'zod';
import { type DecoderConfig, type LayerType, windowOf } from './decoder-config.js';

const MAX_INT = 2 ** 31 - 1;

/** A positive integer. */
export const size = z.int().min(1).max(MAX_INT);

/** The id of a token. */
export const token = z.int().min(0).max(MAX_INT);

/** A field of which one value is supported. */
export const only = <T extends boolean | number | string>(value: T) =>
  z.literal(value, `only ${JSON.stringify(value)} is supported`);

/** The value of a field; null stands for none, and an absent field for the default. */
export function or<T>(value: T | null | undefined, absent: T | undefined): T | undefined {
  return value === undefined ? absent : (value ?? undefined);
}

/** The activation of most families. */
export const siluField = { hidden_act: only('silu').nullish() };

/** Whether there are biases. */
export const biasField = z.boolean().nullish();

const FULL = 'full_attention';
const SLIDING = 'sliding_attention';

/** Fields about windows in families that have none. */
export const fullAttentionFields = {
  use_sliding_window: only(false).nullish(),
  sliding_window: z.null('is not supported by this family').optional(),
  layer_types: z.array(only(FULL)).nullish(),
};

/** The kinds of attention of the layers, in families whose layers can have a window. */
export const layerTypesField = z.array(z.enum([FULL, SLIDING])).nullish();

type Windows = Pick<DecoderConfig, 'slidingWindow' | 'layerTypes'>;

/**
 * The windows of a decoder in their only form, or what is wrong with them.
 *
 * @param types the kind of attention of each layer
 */
export function windowsOf(
  slidingWindow: number | undefined,
  types: readonly LayerType[],
  layers: number,
): Windows | string {
  if (types.length !== layers) return `layer_types has ${types.length} entries for ${layers} layers`;
  if (!types.includes(SLIDING)) return {};
  if (slidingWindow === undefined) return `layer_types has ${SLIDING}, and there is no sliding_window`;
  return types.includes(FULL) ? { slidingWindow, layerTypes: types } : { slidingWindow };
}

/** The kind of attention of every layer, given by a function. */
export function layerTypes(layers: number, hasWindow: (layer: number) => boolean): LayerType[] {
  return Array.from({ length: layers }, (_, layer) => (hasWindow(layer) ? SLIDING : FULL));
}

/** The kind of attention of every layer of a decoder. */
export function layerTypesOf(config: DecoderConfig): LayerType[] {
  return layerTypes(config.numHiddenLayers, (layer) => windowOf(config, layer) !== undefined);
}

/** Fields about windows of Qwen, whose layers from `max_window_layers` on have one if `use_sliding_window` says so. */
export const qwenWindowFields = {
  use_sliding_window: z.boolean().nullish(),
  sliding_window: size.nullish(),
  max_window_layers: z.int().min(0).nullish(),
  layer_types: layerTypesField,
};

/** The windows that the fields of Qwen give, or what is wrong with them. */
export function readQwenWindows(
  fields: z.infer<z.ZodObject<typeof qwenWindowFields>>,
  layers: number,
): Windows | string {
  const { max_window_layers: full, layer_types: types } = fields;
  const window = fields.use_sliding_window ? or(fields.sliding_window, 4096) : undefined;
  const first = full ?? 28;
  return windowsOf(
    window,
    types ?? layerTypes(layers, (layer) => window !== undefined && layer >= first),
    layers,
  );
}

/** The fields of Qwen for the windows of a decoder. */
export function writeQwenWindows(config: DecoderConfig): Record<string, unknown> {
  if (config.slidingWindow === undefined) return { use_sliding_window: false };
  const types = layerTypesOf(config);
  return {
    use_sliding_window: true,
    sliding_window: config.slidingWindow,
    max_window_layers: types.indexOf(SLIDING),
    layer_types: types,
  };
}
