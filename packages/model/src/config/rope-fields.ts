import { z } from 'zod';
import type { DecoderConfig, RopeScaling } from '../families/decoder-config.js';

const positive = z.number().positive();

// Newer files say rope_type, older ones type.
const fields = z.strictObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: positive.optional(),
});
type RopeJson = z.infer<typeof fields>;

/** The fields of `config.json` that say how positions are encoded: before and since version 5 of transformers. */
export const ropeFields = {
  rope_theta: positive.optional(),
  rope_scaling: fields.nullish(),
  rope_parameters: fields.nullish(),
};

type RopeFields = { [K in keyof typeof ropeFields]?: z.infer<(typeof ropeFields)[K]> };

function scalingOf(json: RopeJson): RopeScaling | undefined | string {
  const type = json.rope_type ?? json.type ?? 'default';
  if (type === 'default') return undefined;
  if (type !== 'llama3')
    return `rope_type: only "default" and "llama3" are supported, not ${JSON.stringify(type)}`;
  const {
    factor,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: length,
  } = json;
  if (factor === undefined || low === undefined || high === undefined || length === undefined) {
    return 'the rotary scaling llama3 needs factor, low_freq_factor, high_freq_factor and original_max_position_embeddings';
  }
  if (high <= low) return 'high_freq_factor is not above low_freq_factor';
  return { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositionEmbeddings: length };
}

/** Base and scaling of the rotary embedding, or what is wrong with the fields. */
export function ropeOf(json: RopeFields): Pick<DecoderConfig, 'ropeTheta' | 'ropeScaling'> | string {
  const places = (['rope_parameters', 'rope_scaling'] as const).filter((name) => json[name] != null);
  if (places.length > 1) return 'rope_parameters and rope_scaling are both given';
  const [place] = places;
  const nested = place === undefined ? undefined : (json[place] ?? undefined);
  const thetas = new Set([json.rope_theta, nested?.rope_theta].filter((theta) => theta !== undefined));
  if (thetas.size > 1) return 'rope_theta is given twice with different values';
  const ropeScaling = nested && scalingOf(nested);
  if (typeof ropeScaling === 'string') return `${place}.${ropeScaling}`;
  return { ropeTheta: [...thetas][0] ?? 10_000, ropeScaling };
}
