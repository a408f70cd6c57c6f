// Every check of the repository, one after the other, whatever the others gave. The last line counts them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, tool, turbo } from './commands.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

await check('style', tool('biome', 'check', '.'));
await check('types', tool('tsc', '--noEmit'));
await check('packages', turbo('check:package'));
await check('structure', [process.execPath, 'scripts/structure.mjs'], { counts: false });
await check('documents', [process.execPath, 'scripts/documents.mjs'], { counts: false });
await unitTests();

if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;

/** Runs a command as one check; `counts: false` shows what it says and no more. */
async function check(name, command, { counts: counted = true } = {}) {
  console.log(`\n> ${name}`);
  const { code } = await run(command, { show: true });
  if (!counted) return;
  if (code === 0) counts.passed += 1;
  else fail(name);
}

async function unitTests() {
  console.log('\n> tests');
  const folder = mkdtempSync(join(tmpdir(), 'gram-test-'));
  const report = join(folder, 'tests.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await run(tool('vitest', 'run', ...reporters), { show: true });
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
