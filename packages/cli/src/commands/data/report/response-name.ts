import type { DataRecord } from '@gram/data';

/** A response of a record as people read it. */
export function responseName(record: DataRecord, at: number): string {
  if ('chosen' in record) return at === 0 ? 'chosen' : 'rejected';
  if ('isGood' in record) return record.isGood ? 'good response' : 'bad response';
  const reward = 'rewards' in record ? record.rewards?.[at] : undefined;
  if ('responses' in record) return `response ${at + 1}${reward === undefined ? '' : `, reward ${reward}`}`;
  return 'response';
}
