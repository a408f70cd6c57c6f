import { ReportError } from './error.js';
import { formatDuration, formatNumber, formatRate } from './format.js';
import { createRate } from './rate.js';
import { displayWidth, oneLine, truncate } from './text.js';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const DEFAULT_COLUMNS = 80;
const MAX_BAR = 30;
const MIN_BAR = 8;

export interface ProgressOptions {
  /** What is running, e.g. `stage 2`. */
  label: string;
  /** How much there is to do, in `unit`; not negative. */
  total: number;
  /** Plural name of what is counted, e.g. `steps`. */
  unit: string;
  /** Where to write. Default: `process.stderr`. */
  stream?: NodeJS.WriteStream;
  /** Clock in milliseconds. Default: `performance.now`. */
  now?: () => number;
}

export interface Progress {
  /**
   * Reports the amount done so far (not the increment). `fields` stay until they are given again; put the most needed
   * first, because a narrow terminal loses the last ones.
   */
  update(done: number, fields?: Record<string, string | number>): void;
  /** Writes a line of its own; the status line moves below it. */
  note(text: string): void;
  /** Writes the last line. Calls after the first have no effect, nor has `update` then. */
  finish(summary?: string): void;
}

/**
 * Shows how far a run is. On a terminal that is one line, redrawn at most ten times a second; elsewhere plain lines:
 * the first update, then at most one every ten seconds, then the last. Nothing is written between calls, so a stopped
 * run leaves no timer behind.
 *
 * The rate, and the time left from it, weighs recent work most (exponentially, with a memory of 15 s). It counts from
 * the first update on: a resumed run calls `update` with its starting point first, and a slow start is left out.
 *
 * @throws ReportError `bad-progress` if `total` is negative or not finite.
 */
export function createProgress(options: ProgressOptions): Progress {
  const { total, stream = process.stderr, now = () => performance.now() } = options;
  if (!Number.isFinite(total) || total < 0) {
    throw new ReportError(
      'bad-progress',
      `the total of a progress line must be a number of at least 0, not ${total}`,
      'Give the number of steps, records or tokens that the run will do.',
    );
  }
  const label = oneLine(options.label);
  const unit = oneLine(options.unit);
  const redraws = stream.isTTY === true;
  const start = now();
  const rate = createRate();
  let done = 0;
  let fields: string[] = [];
  let lastWritten: number | undefined;
  let finished = false;

  const count = () => `${formatNumber(done)}/${formatNumber(total)} ${unit}`;

  function plainLine(): string {
    const speed = rate.perSecond();
    const parts = [count(), ...fields];
    if (speed > 0) {
      parts.push(formatRate(speed, unit));
      if (done < total) parts.push(`about ${formatDuration((total - done) / speed)} left`);
    }
    return `${label}: ${parts.filter(Boolean).join(', ')}`;
  }

  function drawnLine(): string {
    const columns = (stream.columns || DEFAULT_COLUMNS) - 1;
    const speed = rate.perSecond();
    const fraction = total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
    const percent = `${String(Math.floor(fraction * 100)).padStart(3)}%`;
    const left = speed > 0 && done < total ? `${formatDuration((total - done) / speed)} left` : '';
    const pace = speed > 0 ? formatRate(speed, unit) : '';
    // A narrow terminal loses the least needed part first; of the fields that is the last.
    const some = (kept: number) => fields.slice(0, kept).join(', ');
    const tails = [
      [count(), some(fields.length), pace, left],
      ...fields.map((_, dropped) => [count(), some(fields.length - dropped), left]),
      [count(), left],
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

  function write(): void {
    lastWritten = now();
    stream.write(redraws ? `\r\x1b[2K${drawnLine()}` : `${plainLine()}\n`);
  }

  return {
    update(amount, given) {
      if (finished) return;
      done = amount;
      if (given) fields = formatFields(given);
      rate.add(amount, now());
      const wait = redraws ? REDRAW_MS : PLAIN_LINE_MS;
      if (lastWritten === undefined || now() - lastWritten >= wait) write();
    },
    note(text) {
      stream.write(redraws ? `\r\x1b[2K${oneLine(text)}\n` : `${oneLine(text)}\n`);
      if (redraws && !finished && lastWritten !== undefined) write();
    },
    finish(summary) {
      if (finished) return;
      finished = true;
      const took = `${count()} in ${formatDuration((now() - start) / 1000)}`;
      const line = `${label}: ${[took, ...(summary === undefined ? fields : [oneLine(summary)])].filter(Boolean).join(', ')}`;
      stream.write(redraws ? `\r\x1b[2K${line}\n` : `${line}\n`);
    },
  };
}

function formatFields(fields: Record<string, string | number>): string[] {
  return Object.entries(fields).map(([name, value]) =>
    oneLine(`${name} ${typeof value === 'number' ? formatNumber(value) : value}`),
  );
}

function bar(fraction: number, width: number): string {
  const filled = Math.round(fraction * width);
  return '━'.repeat(filled) + '─'.repeat(width - filled);
}
