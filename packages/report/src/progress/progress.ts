import { ReportError } from '../error.js';
import { formatDuration, formatNumber } from '../text/format.js';
import { oneLine } from '../text/width.js';
import { countOf, drawnLine, plainLine } from './line.js';
import { createRate } from './rate.js';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const DEFAULT_COLUMNS = 80;
/** Moves to the start of the line and clears it. */
const CLEARED_LINE = '\r\x1b[2K';

/** Options of a progress line. */
export interface ProgressOptions {
  /** Name of what is running, for example `stage 2`. */
  label: string;
  /** Amount of work, in `unit`; not negative. @default not known: the line then counts without a bar and without the time left */
  total?: number | undefined;
  /** Plural name of what is counted, for example `steps`. */
  unit: string;
  /** Stream to write to. @default process.stderr */
  stream?: NodeJS.WriteStream;
  /** Clock in milliseconds. @default performance.now */
  now?: () => number;
}

/** A progress line. */
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
 * @throws {ReportError} `bad-progress` if `total` is negative or not finite
 * @example
 * const progress = createProgress({ label: 'stage 2', total: 200, unit: 'steps' });
 * for (let step = 1; step <= 200; step++) progress.update(step, { loss: Math.exp(-step / 80) });
 * progress.finish();
 */
export function createProgress(options: ProgressOptions): Progress {
  const { total, stream = process.stderr, now = () => performance.now() } = options;
  if (total !== undefined && (!Number.isFinite(total) || total < 0)) {
    throw new ReportError(
      'bad-progress',
      `the total of a progress line must be a number of at least 0, not ${total}`,
      'give the number of steps, records or tokens that the run will do',
    );
  }
  const label = oneLine(options.label);
  const unit = oneLine(options.unit);
  const redraws = stream.isTTY === true;
  const start = now();
  const rate = createRate();
  let done = 0;
  let fields: readonly string[] = [];
  let lastWritten: number | undefined;
  let finished = false;

  function write(): void {
    lastWritten = now();
    const state = { label, unit, done, total, speed: rate.perSecond(), fields };
    const columns = (stream.columns || DEFAULT_COLUMNS) - 1;
    stream.write(redraws ? `${CLEARED_LINE}${drawnLine(state, columns)}` : `${plainLine(state)}\n`);
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
      stream.write(redraws ? `${CLEARED_LINE}${oneLine(text)}\n` : `${oneLine(text)}\n`);
      if (redraws && !finished && lastWritten !== undefined) write();
    },
    finish(summary) {
      if (finished) return;
      finished = true;
      const took = `${countOf({ done, total, unit })} in ${formatDuration((now() - start) / 1000)}`;
      const rest = summary === undefined ? fields : [oneLine(summary)];
      const line = `${label}: ${[took, ...rest].filter(Boolean).join(', ')}`;
      stream.write(redraws ? `${CLEARED_LINE}${line}\n` : `${line}\n`);
    },
  };
}

function formatFields(fields: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(fields).map(([name, value]) =>
    oneLine(`${name} ${typeof value === 'number' ? formatNumber(value) : value}`),
  );
}
