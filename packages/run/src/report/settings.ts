import { basename } from 'node:path';

/** Settings of a run that its report and model card name; others are only listed. */
export interface RunSettings {
  /** Name of what was trained. */
  readonly stage: string;
  readonly data: { readonly path: string; readonly format: string };
  readonly validation?: { readonly path: string };
  /** The model that the run started from; without one it started from random weights. */
  readonly init: { readonly model?: string; readonly judgePrompt?: string };
  /** Present where an adapter was trained. */
  readonly lora?: object;
  readonly output: string;
}

/** `owner/name` of a repository of the hub; undefined for a path, which says nothing elsewhere. */
export function hubName(model: string | undefined): string | undefined {
  return /^([\w-][\w.-]*\/[\w-][\w.-]*)(@[\w./-]+)?$/.exec(model ?? '')?.[1];
}

/** A model as it may be named: a repository with its revision, or the last name of a path. */
export function publicModelName(model: string): string {
  return hubName(model) === undefined ? basename(model) : model;
}

/** The settings as path and value, without the directories of their paths and without the place of the output. */
export function publicSettings({ output: _, ...settings }: RunSettings): [string, string][] {
  const { data, init, validation } = settings;
  return settingRows({
    ...settings,
    validation: validation && { ...validation, path: basename(validation.path) },
    data: { ...data, path: basename(data.path) },
    init: {
      ...init,
      model: init.model === undefined ? undefined : publicModelName(init.model),
      judgePrompt: init.judgePrompt === undefined ? undefined : basename(init.judgePrompt),
    },
  });
}

/** The settings as path and value; one that is absent has no row. */
export function settingRows(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    if (inner === undefined) return [];
    if (Array.isArray(inner)) return [[prefix + key, inner.join(', ')]];
    return typeof inner === 'object' && inner !== null
      ? settingRows(inner, `${prefix}${key}.`)
      : [[prefix + key, String(inner)]];
  });
}
