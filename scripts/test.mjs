// Every check of the repository, whatever the others gave. The last line counts them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, tool, turbo } from './commands.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

const node = (script, ...args) => [process.execPath, join(root, 'scripts', script), ...args];
await checks([
  ['packages', turbo('check:package')],
  ['types', tool('tsc', '--noEmit')],
  ['documents', node('documents.mjs', '--known')],
  ['plot', node('plot.mjs', '--check')],
  ['results', node('results.mjs', '--check')],
  ['style', tool('biome', 'check', '.')],
  ['structure', node('structure.mjs', '--known')],
]);
await unitTests();

if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;

/** Runs two at a time, and shows what each printed once it has ended. */
async function checks(list) {
  const queue = [...list];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, command] = next;
      const { code, output } = await run(command);
      console.log(`\n> ${name}\n${output.trim()}`);
      if (code === 0) counts.passed += 1;
      else fail(name);
    }
  };
  await Promise.all([worker(), worker()]);
}

async function unitTests() {
  console.log('\n> tests');
  const folder = mkdtempSync(join(tmpdir(), 'gram-test-'));
  const report = join(folder, 'tests.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  // The setup has built the packages; vitest.config.ts says what this changes.
  const env = { GRAM_TEST_BUILT: '1' };
  const { code } = await run(tool('vitest', 'run', ...reporters), { show: true, env });
  let failed = 0;
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    counts.passed += result.numPassedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
    // A file that could not be loaded has no tests to count, and counts as one itself.
    const broken = result.testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
    );
    failed = result.numFailedTests + broken.length;
  } catch (error) {
    console.log(`No test report could be read: ${error.message}`);
  }
  rmSync(folder, { recursive: true, force: true });
  // An error outside of all tests only shows in the exit code.
  if (code !== 0) fail('tests', Math.max(1, failed));
}

function fail(name, count = 1) {
  counts.failed += count;
  failures.push(name);
}
