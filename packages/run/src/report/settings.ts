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
