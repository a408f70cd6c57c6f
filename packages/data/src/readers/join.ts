import type { FileRecord, UnreadableRecord } from '../files/records.js';

/**
 * Joins records that stand one after the other and have the same key to one, `{ records }`, which counts as many. Records
 * without a key pass as they are.
 */
export async function* joinRecords(
  entries: AsyncIterable<FileRecord | UnreadableRecord>,
  keyOf: (from: FileRecord) => string | undefined,
): AsyncGenerator<FileRecord | UnreadableRecord> {
  let group: FileRecord[] = [];
  let shared: string | undefined;
  for await (const entry of entries) {
    const key = 'error' in entry ? undefined : keyOf(entry);
    if (group.length > 0 && key !== shared) {
      yield joined(group);
      group = [];
    }
    if (key === undefined || 'error' in entry) {
      yield entry;
      continue;
    }
    shared = key;
    group.push(entry);
  }
  if (group.length > 0) yield joined(group);
}

function joined(group: readonly FileRecord[]): FileRecord {
  const [first] = group;
  if (first === undefined) throw new RangeError('a group has no record');
  return { ...first, record: { records: group.map(({ record }) => record) }, count: group.length };
}
