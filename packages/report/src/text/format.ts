/**
 * Formats a duration for a status line: `0.4 s`, `13 s`, `2 min 05 s`, `3 h 20 min`, `2 d 4 h`.
 *
 * @param seconds not negative; anything else, and what is not finite, gives `unknown time`
 */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return 'unknown time';
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Formats a number for people: integers in full (`1,638,400`), everything else to four significant digits (`0.6931`, `1.2e-7`). */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? 'infinity' : '-infinity';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return Math.abs(value) < 10_000 ? String(value) : value.toLocaleString('en-US');
  }
  return String(Number(value.toPrecision(4)));
}

/** Formats a rate, given in units a second, with the time unit that keeps the number readable: `12.3 steps/s`, `4.5 steps/min`. */
export function formatRate(perSecond: number, unit: string): string {
  const [scaled, per] =
    perSecond >= 0.1
      ? [perSecond, 's']
      : perSecond >= 0.1 / 60
        ? [perSecond * 60, 'min']
        : [perSecond * 3600, 'h'];
  const digits = scaled >= 100 ? scaled.toFixed(0) : String(Number(scaled.toPrecision(3)));
  return `${digits} ${unit}/${per}`;
}

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Formats an amount of memory in binary units to three significant digits: `512 bytes`, `1.25 GiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return 'unknown size';
  // 999.5 would be written with four digits.
  const power = BYTE_UNITS.findIndex((_, index) => bytes < 999.5 * 1024 ** index);
  const at = power < 0 ? BYTE_UNITS.length - 1 : power;
  return `${Number((bytes / 1024 ** at).toPrecision(3))} ${BYTE_UNITS[at]}`;
}
