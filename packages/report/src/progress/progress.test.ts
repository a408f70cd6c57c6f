import { describe, expect, it } from 'vitest';
import { displayWidth } from '../text/width.js';
import { createProgress } from './progress.js';
import { stepFields } from './step-fields.js';

/** A stream that records, and a clock that is set by hand. */
function setUp(terminal?: { columns: number }, total = 200) {
  const written: string[] = [];
  const stream = {
    isTTY: terminal !== undefined,
    columns: terminal?.columns,
    write: (text: string) => written.push(text),
  } as unknown as NodeJS.WriteStream;
  const clock = { seconds: 0 };
  const progress = createProgress({
    label: 'stage 2',
    total,
    unit: 'steps',
    stream,
    now: () => clock.seconds * 1000,
  });
  const run = (from: number, to: number, perSecond: number) => {
    for (let done = from; done <= to; done++) {
      progress.update(done, { loss: 1 / done });
      if (done < to) clock.seconds += 1 / perSecond;
    }
  };
  return { written, clock, progress, run };
}

describe('createProgress, not on a terminal', () => {
  it('writes the first line, one every ten seconds and the last', () => {
    const { written, progress, run } = setUp();
    run(1, 200, 8);
    progress.finish();
    expect(written).toEqual([
      'stage 2: 1/200 steps, loss 1\n',
      'stage 2: 81/200 steps, loss 0.01235, 8 steps/s, about 15 s left\n',
      'stage 2: 161/200 steps, loss 0.006211, 8 steps/s, about 4.9 s left\n',
      'stage 2: 200/200 steps in 25 s, loss 0.005\n',
    ]);
  });

  it('counts where nobody knows the total', () => {
    const written: string[] = [];
    const clock = { ms: 0 };
    const stream = { write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
    const progress = createProgress({ label: 'a.jsonl', unit: 'records', stream, now: () => clock.ms });
    progress.update(64);
    clock.ms = 10_000;
    progress.update(1064);
    progress.finish();
    expect(written).toEqual([
      'a.jsonl: 64 records\n',
      'a.jsonl: 1064 records, 100 records/s\n',
      'a.jsonl: 1064 records in 10 s\n',
    ]);
  });

  it('follows a change of pace', () => {
    const { written, clock, progress, run } = setUp(undefined, 1000);
    run(0, 100, 10);
    clock.seconds += 1;
    run(101, 160, 1);
    const line = written.at(-1)!;
    expect(line).toMatch(/, 1(\.\d+)? steps\/s/);
    progress.finish('stopped early');
    expect(written.at(-1)).toBe('stage 2: 160/1000 steps in 1 min 10 s, stopped early\n');
  });

  it('starts the rate where a resumed run starts', () => {
    const { written, clock, progress } = setUp();
    progress.update(150);
    clock.seconds = 10;
    progress.update(170);
    expect(written.at(-1)).toBe('stage 2: 170/200 steps, 2 steps/s, about 15 s left\n');
  });

  it('shows no time while there is no rate', () => {
    const { written, clock, progress } = setUp();
    progress.update(0);
    clock.seconds = 20;
    progress.update(0);
    expect(written.join('')).not.toMatch(/left|steps\/|NaN|Infinity/);
  });

  it('writes notes at once, on one line', () => {
    const { written, progress } = setUp();
    progress.note('saved\u001b[2J\ncheckpoint');
    expect(written).toEqual(['saved\\u001b[2J checkpoint\n']);
  });
});

describe('createProgress on a terminal', () => {
  it('redraws one line, at most ten times a second', () => {
    const { written, run } = setUp({ columns: 100 });
    run(1, 200, 100);
    expect(written.length).toBeGreaterThanOrEqual(18);
    expect(written.length).toBeLessThanOrEqual(20);
    expect(written.every((text) => text.startsWith('\r\x1b[2K') && !text.includes('\n'))).toBe(true);
    expect(written.at(-1)).toMatch(
      /stage 2 {2}━+─+ +9\d% {2}19\d\/200 steps {2}loss 0.005\d+ {2}100 steps\/s {2}0(\.\d)? s left$/,
    );
  });

  it.each([10, 20, 30, 40, 60, 80, 200])('keeps within %d columns', (columns) => {
    const { written, run } = setUp({ columns });
    run(1, 50, 5);
    for (const text of written) expect(displayWidth(text.slice(5))).toBeLessThan(columns);
    expect(written.at(-1)).toContain('stage 2');
  });

  it('loses the last fields first where a terminal is narrow', () => {
    const shown = [200, 105, 90, 70, 60].map((columns) => {
      const { written, clock, progress } = setUp({ columns });
      progress.update(0);
      clock.seconds = 10;
      const numbers = { loss: 0.43125, accuracy: 0.75 };
      const step = { numbers, tokensPerSecond: 5321.4, memoryBytes: 1.25 * 2 ** 30 };
      progress.update(100, stepFields(step));
      return /steps {2}(.*?)$/.exec(written.at(-1)!)![1];
    });
    expect(shown).toEqual([
      'loss 0.4313, accuracy 0.75, speed 5321 tokens/s, memory 1.25 GiB  10 steps/s  10 s left',
      'loss 0.4313, accuracy 0.75, speed 5321 tokens/s  10 s left',
      'loss 0.4313, accuracy 0.75  10 s left',
      'loss 0.4313  10 s left',
      '10 s left',
    ]);
  });

  it('puts notes above the line and draws it again', () => {
    const { written, progress } = setUp({ columns: 60 });
    progress.update(100);
    progress.note('saved');
    expect(written[1]).toBe('\r\x1b[2Ksaved\n');
    expect(written[2]).toContain('50%');
  });

  it('ends with a line that stays, once', () => {
    const { written, clock, progress } = setUp({ columns: 60 });
    progress.update(200);
    clock.seconds = 4;
    progress.finish('loss 0.41');
    progress.finish();
    progress.update(3);
    expect(written).toHaveLength(2);
    expect(written[1]).toBe('\r\x1b[2Kstage 2: 200/200 steps in 4 s, loss 0.41\n');
  });
});

it('refuses a total that is no amount', () => {
  for (const total of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => setUp(undefined, total)).toThrow(expect.objectContaining({ code: 'bad-progress' }));
  }
});
