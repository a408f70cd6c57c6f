/** The settings as path and value; one that is absent has no row. */
export function settingRows(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    if (inner === undefined) return [];
    if (Array.isArray(inner)) return [[prefix + key, inner.map(shown).join(', ')]];
    return typeof inner === 'object' && inner !== null
      ? settingRows(inner, `${prefix}${key}.`)
      : [[prefix + key, String(inner)]];
  });
}

/** An element of a list; a mapping as JSON. */
function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
