// This stands in for the part of vitest that the conformance tests use, on a machine without it. The tests of a file run one after
// the other, and only those of one device, which GRAM_KIT_DEVICE names. With GRAM_KIT_RIG results are not compared, because the
// kernels of the rig compute nothing.
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from '@vitest/expect';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
export const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect, {
  ...globalThis[ASYMMETRIC_MATCHERS_OBJECT],
});
globalThis[GLOBAL_EXPECT] = expect;

const device = process.env.GRAM_KIT_DEVICE ?? 'cuda';
const isRig = process.env.GRAM_KIT_RIG === '1';
const groups = [];
const tests = [];

const describeGroup = (name, body) => {
  groups.push(name);
  body();
  groups.pop();
};
const none = () => {};

/** Adds a test or a group for each of some rows, whose values stand in its name. */
const eachOf = (add) => (rows) => (name, body) => {
  for (const row of rows) {
    const values = Array.isArray(row) ? row : [row];
    const left = [...values];
    add(
      name.replaceAll(/%[sdifjo]/g, () => String(left.shift())),
      (context) => body(...values, context),
    );
  }
};

export const describe = Object.assign(describeGroup, { each: eachOf(describeGroup), skip: none });
/** A test may have options before or a time limit behind its body; neither matters here. */
const addTest = (name, ...rest) => {
  const body = rest.find((value) => typeof value === 'function');
  tests.push({ name: [...groups, name].join(' > '), body });
};
export const it = Object.assign(addTest, { each: eachOf(addTest), skip: none });

class Skipped extends Error {}
const context = {
  skip(note) {
    throw new Skipped(note);
  },
};

setImmediate(async () => {
  const counts = { passed: 0, failed: 0, skipped: 0, uncompared: 0 };
  for (const { name, body } of tests) {
    if (!new RegExp(`on ${device}(?![\\w:])`).test(name)) continue;
    try {
      await body(context);
      counts.passed++;
    } catch (error) {
      const isComparison = error?.name === 'AssertionError' || error?.constructor?.name === 'AssertionError';
      const kind = error instanceof Skipped ? 'skipped' : isRig && isComparison ? 'uncompared' : 'failed';
      counts[kind]++;
      if (kind === 'failed') console.error(`FAILED ${name}: ${String(error?.message).slice(0, 600)}`);
    }
  }
  console.log(JSON.stringify(counts));
  process.exit(counts.failed > 0 ? 1 : 0);
});
