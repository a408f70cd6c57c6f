import { groupScores, referenceScores } from '@gram/ranking';
import { afterEach, describe, expect, it } from 'vitest';
import { post, until } from '../__fixtures__/client.js';
import { heldModel, quickModel, scoringModel } from '../__fixtures__/models.js';
import { serve, stopAll } from '../__fixtures__/serving.js';

afterEach(stopAll);

const prompt = 'Name a prime.';
const responses = ['4', 'seven', '7', 'seven', 'it is eleven'];

describe('a cohort', () => {
  it('is scored as groups and references are', async () => {
    const { url } = await serve({}, quickModel);
    const { body } = await post(`${url}/v1/cohorts`, { prompt, responses });
    const [group] = await groupScores(quickModel, [{ id: 'group', prompt, responses }]);
    for (const [i, score] of (body.scores as number[]).entries()) expect(score).toBeCloseTo(group![i]!, 12);
    expect(body.missing).toBe(0);
    const reference = 'seven';
    const compared = await post(`${url}/v1/cohorts`, { prompt, responses, reference });
    const [expected] = await referenceScores(quickModel, [{ id: 'group', prompt, responses, reference }]);
    expect(compared.body.scores).toEqual(expected);
  });

  it('has the rewards of a model with a score head', async () => {
    const { url } = await serve({}, scoringModel);
    const { body } = await post(`${url}/v1/cohorts`, { prompt, responses });
    expect(body.scores).toEqual(responses.map((text) => text.length / 10));
    expect((await post(`${url}/v1/cohorts`, { prompt, responses: ['alone'] })).body.scores).toEqual([0.5]);
  });

  it('is answered in time with what is known, and the rest is null and not 0', async () => {
    const model = heldModel();
    const { url } = await serve({}, model);
    const many = Array.from({ length: 20 }, (_, i) => 'x'.repeat(i + 1));
    const headers = { 'Gram-Deadline-Ms': '3000' };
    const asked = post(`${url}/v1/cohorts`, { prompt, responses: many }, { headers });
    await until(() => model.calls.length === 1);
    model.calls[0]!.finish();
    // Nothing finishes the second of six calls.
    await until(() => model.calls.length === 2);
    const { status, body } = await asked;
    expect(status).toBe(200);
    const scores = body.scores as (number | null)[];
    // 32 comparisons are the 19 of the first response and 13 of the second.
    expect(scores.map((score) => score === null)).toEqual(many.map((_, i) => i > 0));
    expect(body.missing).toBe(19);
    const [group] = await groupScores(quickModel, [{ id: 'group', prompt, responses: many }]);
    expect(scores[0]).toBeCloseTo(group![0]!, 12);
    // The work that nobody waits for is dropped.
    await until(() => model.calls[1]!.signal!.aborted);
  });

  it('refuses a single response to a pairwise model without a reference', async () => {
    const { url } = await serve({}, quickModel);
    const { status, body } = await post(`${url}/v1/cohorts`, { prompt, responses: ['alone'] });
    expect([status, body.error?.code]).toEqual([422, 'no-reference']);
  });
});
