import { issueMessage } from '@gram/base';
import { closest } from 'fastest-levenshtein';
import type { z } from 'zod';
import { elementAt, entryOf } from '../checked.js';

/** The keys of each mapping of a configuration, by its path; the elements of a list have the path of the list. */
export type ConfigKeys = Readonly<Record<string, readonly string[]>>;

/** A fault of a configuration and what to do about it, in one line each. */
export interface ConfigProblem {
  readonly message: string;
  readonly hint: string;
}

const expectations: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  object: 'a mapping of keys',
};

/** Describes the first issue of a configuration that failed its schema. */
export function describeIssue(found: z.core.$ZodIssue, config: unknown, keys: ConfigKeys): ConfigProblem {
  const issue = found.code === 'invalid_union' ? firstOf(found) : found;
  const path = issue.path.join('.');
  const name = path === '' ? 'the configuration' : path;
  if (issue.code === 'unrecognized_keys') return unknownKey(issue.path, elementAt(issue.keys, 0), keys);
  const value = valueAt(config, issue.path);
  if (value === undefined && path !== '' && issue.code !== 'custom') {
    return { message: `${name} is missing`, hint: `add ${name} to the configuration` };
  }
  if (issue.code === 'invalid_type') {
    const wanted = expectations[issue.expected] ?? issue.expected;
    return { message: `${name} must be ${wanted}, not ${shown(value)}`, hint: 'correct its value' };
  }
  if (issue.code === 'invalid_value') {
    const known = issue.values.map(String);
    return {
      message: `${name} must be one of ${known.join(', ')}, not ${shown(value)}`,
      hint: `did you mean ${closest(String(value), known)}?`,
    };
  }
  if (issue.code === 'custom') return { message: `${name} ${issue.message}`, hint: 'correct its value' };
  return { message: `${name} is ${shown(value)}: ${issueMessage(issue)}`, hint: 'correct its value' };
}

/** The issue of the usual form of a value that has several. */
function firstOf(union: Extract<z.core.$ZodIssue, { readonly code: 'invalid_union' }>): z.core.$ZodIssue {
  const inner = union.errors[0]?.[0];
  return inner === undefined ? union : { ...inner, path: [...union.path, ...inner.path] };
}

function unknownKey(path: readonly PropertyKey[], key: string, keys: ConfigKeys): ConfigProblem {
  const prefixed = (parent: string, name: string) => (parent === '' ? name : `${parent}.${name}`);
  const section = path.filter((part) => typeof part !== 'number').join('.');
  const elsewhere = Object.keys(keys).find((parent) => entryOf(keys, parent).includes(key));
  const here = keys[section] ?? [];
  const nearest =
    elsewhere === undefined ? prefixed(section, closest(key, [...here])) : prefixed(elsewhere, key);
  return {
    message: `there is no key ${JSON.stringify(prefixed(path.join('.'), key))}`,
    hint: `did you mean ${nearest}? Keys here: ${here.join(', ')}`,
  };
}

function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  let value = config;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
