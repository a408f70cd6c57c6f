import { z } from 'zod';
import type { ConfigKeys } from './describe.js';

/** A setting as README and help show it. */
export interface SettingReference {
  /** Path of the setting, such as `optimizer.epochs`. */
  readonly key: string;
  /** Default in words or as YAML; undefined for a setting that is required. */
  readonly usual?: string;
  readonly meaning: string;
}

/** The settings of a shape in their order, as their schemas describe them; those of the elements of a list have its path. */
export function settingsOf(shape: z.core.$ZodShape, prefix = ''): SettingReference[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const key = `${prefix}${name}`;
    const inner = innerOf(schema);
    return inner instanceof z.ZodObject ? settingsOf(inner.shape, `${key}.`) : [rowOf(key, schema, inner)];
  });
}

/**
 * The keys of each mapping of a shape, by its path.
 *
 * @param more keys that only the outermost mapping has
 */
export function keysOf(shape: z.core.$ZodShape, more: readonly string[] = []): ConfigKeys {
  return { '': [...more, ...Object.keys(shape)], ...sectionKeys(shape, '') };
}

function sectionKeys(shape: z.core.$ZodShape, prefix: string): Record<string, string[]> {
  const keys: Record<string, string[]> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const inner = mappingOf(schema);
    if (inner === undefined) continue;
    const path = `${prefix}${name}`;
    keys[path] = Object.keys(inner.shape);
    Object.assign(keys, sectionKeys(inner.shape, `${path}.`));
  }
  return keys;
}

/** The mapping that a value or the elements of a list are, also where the reference lists its settings elsewhere. */
function mappingOf(schema: z.core.$ZodType): z.ZodObject | undefined {
  const inner = innerOf(schema);
  const element = inner instanceof z.ZodArray ? inner.element : inner;
  const mapping = element instanceof z.ZodLazy ? element.unwrap() : inner;
  return mapping instanceof z.ZodObject ? mapping : undefined;
}

/** The schema of a value that is given, and of a list of mappings that of an element. */
function innerOf(schema: z.core.$ZodType): z.core.$ZodType {
  const hasDefault = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  const given = schema instanceof z.ZodOptional || hasDefault ? schema.unwrap() : schema;
  return given instanceof z.ZodArray && given.element instanceof z.ZodObject ? given.element : given;
}

function rowOf(key: string, schema: z.core.$ZodType, inner: z.core.$ZodType): SettingReference {
  const { description = '', usual } = z.globalRegistry.get(schema) ?? {};
  const usualForm = inner instanceof z.ZodUnion ? inner.options[0] : inner;
  const values = usualForm instanceof z.ZodEnum ? usualForm.options.map((value) => `\`${value}\``) : [];
  const meaning = values.length > 0 && values.length <= 6 ? `${listed(values)}: ${description}` : description;
  if (schema instanceof z.ZodDefault) return { key, usual: written(schema.parse(undefined)), meaning };
  if (schema instanceof z.ZodOptional) return { key, usual: String(usual ?? 'none'), meaning };
  return { key, meaning };
}

function listed(values: readonly string[]): string {
  return [values.slice(0, -1).join(', '), ...values.slice(-1)].join(' or ');
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `\`${item}\``).join(', ');
  return typeof value === 'string' ? `\`${value}\`` : String(value);
}
