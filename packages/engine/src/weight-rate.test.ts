import { expect, it } from 'vitest';
import { weightRate } from './weight-rate.js';

it('is the speed of memory, not that of a cache or of arithmetic', async () => {
  const rate = await weightRate('cpu', 2);
  // From a slow laptop under load to the fastest server memory.
  expect(rate).toBeGreaterThan(2e7);
  expect(rate).toBeLessThan(2e12);
});
