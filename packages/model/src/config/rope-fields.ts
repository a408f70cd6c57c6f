import { describeIssues, quote } from '@gram/base';
import { z } from 'zod';
import type { DecoderConfig } from '../families/decoder-config.js';
import { only } from '../families/fields.js';
import type { RopeScaling } from '../rope/scaling.js';
import { ROPE_SCALINGS, scalingOf } from '../rope/scalings.js';

const positive = z.number().positive();
const nested = z.looseObject({
  // Newer files say rope_type, older ones type, and some both.
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: positive.nullish(),
  partial_rotary_factor: only(1).nullish(),
});
type RopeJson = z.infer<typeof nested>;

/** The fields of `config.json` that say how positions are encoded: before and since version 5 of transformers. */
export const ropeFields = {
  rope_theta: positive.nullish(),
  rope_scaling: nested.nullish(),
  rope_parameters: nested.nullish(),
  partial_rotary_factor: only(1).nullish(),
  rope_interleaved: only(false).nullish(),
  // Beside the scaling rather than in it, where it counts.
  original_max_position_embeddings: positive.nullish(),
};

type RopeFields = Partial<z.infer<z.ZodObject<typeof ropeFields>>>;
type RopeConfig = Pick<DecoderConfig, 'ropeTheta' | 'ropeScaling'>;

const TYPES = Object.keys(ROPE_SCALINGS) as RopeScaling['type'][];
/** Every field of every scaling: transformers ignores those of the other scalings. `finetuned` is a note of how it was trained. */
const KNOWN = new Set(['finetuned', ...TYPES.flatMap((type) => Object.keys(scalingOf(type).fields))]);

/** Reads the scaling that an object describes; a string says what is wrong. */
function readScaling(json: RopeJson, longest: number): RopeScaling | undefined | string {
  const { rope_type: newer, type: older, rope_theta: _, partial_rotary_factor: __, ...rest } = json;
  if (newer && older && newer !== older) return `rope_type is ${quote(newer)}, and type is ${quote(older)}`;
  const given = Object.entries(rest).filter(([, value]) => value != null && value !== false);
  const unknown = given.find(([name]) => !KNOWN.has(name));
  if (unknown !== undefined) return `${quote(unknown[0])} is not supported`;
  const type = newer ?? older ?? (given.length === 0 ? 'default' : undefined);
  if (type === undefined) return 'rope_type is missing';
  if (type === 'default') return undefined;
  const known = TYPES.find((name) => name === type);
  if (known === undefined) {
    return `rope_type: only ${['default', ...TYPES].map(quote).join(', ')} are supported, not ${quote(type)}`;
  }
  const scaling = scalingOf(known);
  const read = z.object(scaling.fields).safeParse(rest);
  if (!read.success) return describeIssues(read.error.issues);
  const found = scaling.read(read.data, longest);
  return typeof found === 'string' || found === undefined
    ? found
    : ({ type: known, ...found } as RopeScaling);
}

/**
 * Base and scaling of the rotary embedding, or what is wrong with the fields.
 *
 * @param longest `maxPositionEmbeddings` of the configuration
 */
export function ropeOf(json: RopeFields, longest: number): RopeConfig | string {
  const scalings: (RopeScaling | undefined)[] = [];
  for (const place of ['rope_parameters', 'rope_scaling'] as const) {
    const found = json[place];
    if (found == null) continue;
    const original = json.original_max_position_embeddings ?? found.original_max_position_embeddings;
    const scaling = readScaling({ ...found, original_max_position_embeddings: original }, longest);
    if (typeof scaling === 'string') return `${place}.${scaling}`;
    scalings.push(scaling);
  }
  if (new Set(scalings.map((scaling) => JSON.stringify(scaling))).size > 1) {
    return 'rope_parameters and rope_scaling are both given, with different values';
  }
  const given = [json.rope_theta, json.rope_parameters?.rope_theta, json.rope_scaling?.rope_theta];
  const thetas = [...new Set(given.filter((theta) => theta != null))];
  if (thetas.length > 1) return 'rope_theta is given twice with different values';
  return { ropeTheta: thetas[0] ?? 10_000, ropeScaling: scalings[0] };
}
