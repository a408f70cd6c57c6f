// Preloaded into a process whose clock is to be set back: by an hour, once it has run for `GRAM_CLOCK_AFTER` milliseconds.
const HOUR = 3_600_000;
const after = Number(process.env.GRAM_CLOCK_AFTER);
const TrueDate = Date;
const now = () => TrueDate.now() - (performance.now() > after ? HOUR : 0);

globalThis.Date = class extends TrueDate {
  constructor(...values) {
    super(...(values.length === 0 ? [now()] : values));
  }

  static now() {
    return now();
  }
};
