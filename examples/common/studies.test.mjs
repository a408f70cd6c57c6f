import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
// The studies use the built packages, as users do.
const built = existsSync(at('../packages/ppo/dist/index.js'));
const empty = mkdtempSync(join(tmpdir(), 'gram-studies-'));
afterAll(() => rmSync(empty, { recursive: true }));

function run(study, ...flags) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [at(`${study}/main.mjs`), ...flags], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Values of the paper that its configuration must carry, as the dry run prints them. */
const values = {
  'reward-ranking': [
    ['data.labeled', '400000', 'paper'],
    ['stage1.learningRate', '0.00002', 'paper'],
    ['stage2.learningRate', '0.00001', 'paper'],
    ['stage2.labelSmoothing', '0.1', 'paper'],
    ['vanilla.batchSize', '256', 'paper'],
    ['discriminative.batchSize', '256', 'paper'],
    ['stage2.weightDecay', '0', 'our choice'],
  ],
  rlhf: [
    ['sft.learningRate', '0.00001', 'paper'],
    ['sft.batchSize', '256', 'paper'],
    ['sft.epochs', '2', 'paper'],
    ['ppo.batchSize', '64', 'paper'],
    ['ppo.epochs', '4', 'paper'],
    ['ppo.policyLearningRate', '0.00001', 'paper'],
    ['ppo.valueLearningRate', '0.000005', 'paper'],
    ['ppo.valueOnlySteps', '30', 'paper'],
    ['ppo.rewardScale', '10', 'paper (gamma)'],
    ['ppo.queueSize', '1000', 'paper'],
    ['ppo.evaluateEvery', '200', 'paper'],
    ['ppo.sampling.topP', '0.95', 'paper (of best-of-n)'],
    ['ppo.sampling.temperature', '0.75', 'paper (of best-of-n)'],
    ['ppo.kl.weight', '0.05', 'our choice'],
  ],
  'task-adaptation': [
    ['units', '0, 1, 3, 5, 7, 10', 'paper'],
    ['unit', '1000', 'paper'],
    ['data.task.summary', '92000', 'paper'],
    ['adaptation.learningRate', '0.00001', 'our choice'],
  ],
};

describe.skipIf(!built).each(Object.keys(values))('the study %s', (study) => {
  it('says what its paper configuration would do, with every value and where it comes from', () => {
    const { status, stdout, stderr } = run(study, '--config', 'paper', '--dry-run', '--files', empty);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/).map((cell) => cell.trim()));
    for (const row of values[study]) expect(rows).toContainEqual(row);
    expect(stdout).toMatch(/8,030,261,248 parameters; 120 GiB/);
    expect(stdout).toMatch(/Llama-3.1-8B-Instruct +missing/);
  });

  it('says what its laptop configuration would do', () => {
    const { status, stdout } = run(study, '--dry-run');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^stage 1 +1\d,000 +\d{3} /m);
  });

  it('names the files that are missing, in one line', () => {
    writeFileSync(join(empty, 'unified-feedback.jsonl.gz'), '');
    const { status, stdout, stderr } = run(study, '--config', 'paper', '--files', empty);
    expect(status).toBe(1);
    expect(stdout.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(stderr).toMatch(/^the configuration paper needs .*Llama-3.1-8B-Instruct.*; put them there.*\n$/);
    expect(stderr).not.toContain('unified-feedback.jsonl.gz');
  });

  it.each([
    [['--config', 'desktop'], /^there is no configuration "desktop"; use laptop or .*paper\n$/],
    [
      ['--confg', 'paper'],
      /^Unknown option '--confg'.*; use --config laptop\|.*paper, --files DIR, --model PATH, --only WORDS, --dry-run, --graphs\n$/,
    ],
  ])('refuses %s', (flags, message) => {
    const { status, stderr } = run(study, ...flags);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});
