import { formatDuration, formatNumber, formatRate } from '../text/format.js';
import { displayWidth, truncate } from '../text/width.js';

const MAX_BAR = 30;
const MIN_BAR = 8;

/** Position of a run. */
export interface ProgressState {
  readonly label: string;
  readonly unit: string;
  readonly done: number;
  /** Undefined where nobody knows it. */
  readonly total: number | undefined;
  /** Units a second; 0 while it is not known. */
  readonly speed: number;
  /** Fields as they are shown, the most needed one first. */
  readonly fields: readonly string[];
}

/** Formats how much is done: `3/20 steps`, or `3 steps` where the total is not known. */
export function countOf({ done, total, unit }: Pick<ProgressState, 'done' | 'total' | 'unit'>): string {
  return `${formatNumber(done)}${total === undefined ? '' : `/${formatNumber(total)}`} ${unit}`;
}

/** Formats a line for a log. */
export function plainLine(state: ProgressState): string {
  const { label, unit, done, total, speed, fields } = state;
  const parts = [countOf(state), ...fields];
  if (speed > 0) {
    parts.push(formatRate(speed, unit));
    if (total !== undefined && done < total)
      parts.push(`about ${formatDuration((total - done) / speed)} left`);
  }
  return `${label}: ${parts.filter(Boolean).join(', ')}`;
}

/** Formats a line for a terminal of so many columns, with a bar where the total is known. */
export function drawnLine(state: ProgressState, columns: number): string {
  const { label, unit, done, total, speed, fields } = state;
  if (total === undefined) return truncate(plainLine(state), columns);
  const fraction = total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
  const percent = `${String(Math.floor(fraction * 100)).padStart(3)}%`;
  const left = speed > 0 && done < total ? `${formatDuration((total - done) / speed)} left` : '';
  const pace = speed > 0 ? formatRate(speed, unit) : '';
  const count = countOf(state);
  // A narrow terminal loses the least needed part first; of the fields that is the last.
  const some = (kept: number) => fields.slice(0, kept).join(', ');
  const tails = [
    [count, some(fields.length), pace, left],
    ...fields.map((_, dropped) => [count, some(fields.length - dropped), left]),
    [count, left],
    [left],
    [],
  ].map((parts) => parts.filter(Boolean).join('  '));
  for (const tail of tails) {
    const room = columns - displayWidth(`${label}   ${percent}  ${tail}`);
    if (room >= MIN_BAR) {
      return `${label}  ${bar(fraction, Math.min(MAX_BAR, room))} ${percent}  ${tail}`.trimEnd();
    }
  }
  return truncate(`${label} ${percent.trim()}`, columns);
}

function bar(fraction: number, width: number): string {
  const filled = Math.round(fraction * width);
  return '━'.repeat(filled) + '─'.repeat(width - filled);
}
