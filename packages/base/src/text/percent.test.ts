import { expect, it } from 'vitest';
import { formatPercent, formatPercentRange } from './percent.js';

it('has one digit after the point', () => {
  expect([0, 0.12345, 1, -0.5].map(formatPercent)).toEqual(['0.0 %', '12.3 %', '100.0 %', '-50.0 %']);
  expect(formatPercentRange([0.25, 0.5])).toBe('25.0 % to 50.0 %');
});

it('is empty for an unknown share', () => {
  expect(formatPercent(null)).toBe('');
});
