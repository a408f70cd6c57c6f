import { z } from 'zod';
import { stageSettings } from '../stages/table.js';
import { root } from './schema.js';

/** A setting as README and help show it. */
export interface SettingReference {
  /** Path of the setting, such as `optimizer.epochs`. */
  readonly key: string;
  /** Default in words or as YAML; undefined for a setting that is required. */
  readonly usual?: string;
  readonly meaning: string;
}

/** All settings of a configuration in their order, as their schemas describe them. */
export function settingReference(): SettingReference[] {
  return rowsOf({ ...root.shape, ...stageSettings }, '');
}

function rowsOf(shape: z.core.$ZodShape, prefix: string): SettingReference[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const key = `${prefix}${name}`;
    const inner =
      schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? schema.unwrap() : schema;
    return inner instanceof z.ZodObject ? rowsOf(inner.shape, `${key}.`) : [rowOf(key, schema, inner)];
  });
}

function rowOf(key: string, schema: z.core.$ZodType, inner: z.core.$ZodType): SettingReference {
  const { description = '', usual } = z.globalRegistry.get(schema) ?? {};
  const values = inner instanceof z.ZodEnum ? inner.options.map((value) => `\`${value}\``) : [];
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
