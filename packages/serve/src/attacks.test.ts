import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** A server in a process of its own runs what was built. */
const built = ['base', 'ranking', 'report', 'serve'].every((name) =>
  existsSync(new URL(`../../${name}/dist/index.js`, import.meta.url)),
);

type Result = Readonly<Record<string, number>> & { readonly statuses: Readonly<Record<string, number>> };
type AttackServer = (options: object) => Promise<{ readonly results: Readonly<Record<string, Result>> }>;

describe.skipIf(!built)('a server under attack', () => {
  // The bounds of a machine that has nothing else to do are those of attacks/run.mjs, which takes longer.
  it('answers others, loses nothing and keeps its memory', { timeout: 240_000 }, async () => {
    const module = new URL('../attacks/attack-server.mjs', import.meta.url).href;
    const { attackServer } = (await import(module)) as { attackServer: AttackServer };
    const sizes = { seconds: 3, connections: 60, chunks: 100_000, silent: 700, others: 20 };
    const { results } = await attackServer(sizes);
    const entries = Object.entries(results);
    const chunked = entries.filter(([name]) => name.startsWith('bodies in chunks'));
    expect(chunked).toHaveLength(3);
    for (const [name, { statuses, longestTurnMs, peakBytes, failedHealthChecks }] of chunked) {
      expect(
        Object.keys(statuses).every((status) => status.startsWith('4')),
        name,
      ).toBe(true);
      // Without turns it was the time for all of them, some 20 seconds, and 30 connections took 1.7 GB.
      expect(longestTurnMs, name).toBeLessThan(2000);
      expect(peakBytes, name).toBeLessThan(100 * 2 ** 20);
      expect(failedHealthChecks, name).toBe(0);
    }
    const silent = entries.filter(([name]) => name.startsWith('700 connections'));
    expect(silent).toHaveLength(4);
    for (const [name, { served, others }] of silent) {
      expect(served, name).toBeGreaterThanOrEqual(0.8 * others!);
    }
    expect(results['64 clients']).toMatchObject({ lost: 0 });
    expect(results['64 clients']!.answered).toBeGreaterThan(100);
    expect(results['requests made from the description']).toMatchObject({ failures: [], failureCount: 0 });
  });
});
