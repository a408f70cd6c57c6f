import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitAlike, fitLengths } from './fit.js';

describe('fitLengths', () => {
  it.each([
    // room, prompt, responses -> prompt, responses
    { room: 30, prompt: 10, responses: [10, 10], kept: [10, 10, 10] },
    { room: 25, prompt: 10, responses: [12, 6], kept: [10, 9, 6] },
    { room: 25, prompt: 10, responses: [20, 20], kept: [10, 7, 7] },
    { room: 20, prompt: 100, responses: [50, 3], kept: [10, 7, 3] },
    { room: 20, prompt: 100, responses: [2, 3], kept: [15, 2, 3] },
    { room: 20, prompt: 100, responses: [40], kept: [10, 10] },
    { room: 3, prompt: 9, responses: [9, 0], kept: [2, 1, 0] },
    { room: 9, prompt: 9, responses: [], kept: [9] },
    { room: 3, prompt: 9, responses: [], kept: [3] },
  ])('shares $room among $prompt and $responses', ({ room, prompt, responses, kept }) => {
    const result = fitLengths(room, prompt, responses);
    expect([result.prompt, ...result.responses]).toEqual(kept);
  });

  it('is fair, uses the room and does not see order', () => {
    const length = fc.nat({ max: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 80 }), length, length, length, (room, prompt, a, b) => {
        const kept = fitLengths(room, prompt, [a, b]);
        const [keptA = -1, keptB = -1] = kept.responses;
        const used = kept.prompt + keptA + keptB;
        expect(used).toBeLessThanOrEqual(room);
        if (prompt + a + b <= room) expect([kept.prompt, keptA, keptB]).toEqual([prompt, a, b]);
        else expect(used).toBeGreaterThanOrEqual(room - 1);
        if (keptA < a && keptB < b) expect(keptA).toBe(keptB);
        if (keptA < a) expect(keptB).toBeLessThanOrEqual(keptA);
        if (keptB < b) expect(keptA).toBeLessThanOrEqual(keptB);
        if (kept.prompt < prompt) expect(keptA + keptB).toBeLessThanOrEqual(Math.floor(room / 2));
        if (keptA + keptB < a + b) expect(keptA + keptB).toBeGreaterThanOrEqual(Math.floor(room / 2) - 1);
        expect(fitLengths(room, prompt, [b, a])).toEqual({ prompt: kept.prompt, responses: [keptB, keptA] });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('fitAlike', () => {
  it.each([
    { room: 30, prompt: 10, responses: [20, 3], kept: [10, 20, 3] },
    // The long one leaves 15 of the prompt, which the short one gets as well.
    { room: 30, prompt: 20, responses: [40, 3], kept: [15, 15, 3] },
    { room: 30, prompt: 20, responses: [3, 40], kept: [15, 3, 15] },
    { room: 30, prompt: 20, responses: [40, 50], kept: [15, 15, 15] },
    { room: 30, prompt: 90, responses: [2, 3], kept: [27, 2, 3] },
  ])('gives $responses the same $prompt of $room', ({ room, prompt, responses, kept }) => {
    const result = fitAlike(
      room,
      prompt,
      responses.map((length) => [length]),
    );
    expect([result.prompt, ...result.responses.flat()]).toEqual(kept);
  });
});
