// This stands in for the part of vitest that the conformance tests use, on a machine without it. The tests of a file run one after
// the other, and only those of one device, which GRAM_KIT_DEVICE names. With GRAM_KIT_RIG values are not compared, because the
// kernels of the rig compute nothing: only shapes, element types, places and errors are, and which part of the runtime ran an operation.

import { outsideTheDevice, recordPlacements } from '@gram/engine/testing';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from '@vitest/expect';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

const device = process.env.GRAM_KIT_DEVICE ?? 'cuda';
const isRig = process.env.GRAM_KIT_RIG === '1';
/** Comparisons that are made on the rig as well, by their messages. */
const STRUCTURE = /^(shape|type|place) of /;
/** Comparisons of the test that runs which gave something else on the rig. */
let uncompared = 0;

const assertion = (value, message) => {
  const strict = chai.expect(value, message);
  return isRig && !STRUCTURE.test(message ?? '') ? lenient(strict) : strict;
};
export const expect = Object.assign(assertion, chai.expect, { ...globalThis[ASYMMETRIC_MATCHERS_OBJECT] });
globalThis[GLOBAL_EXPECT] = expect;

/** An assertion that counts what differs. Errors that are expected have to come. */
function lenient(strict) {
  return new Proxy(strict, {
    get(target, key) {
      const member = Reflect.get(target, key, target);
      if (key === 'rejects' || key === 'resolves') return member;
      if (typeof member !== 'function') return member instanceof chai.Assertion ? lenient(member) : member;
      return (...args) => {
        try {
          return member.apply(target, args);
        } catch (error) {
          if (!(error instanceof chai.AssertionError)) throw error;
          uncompared++;
          return undefined;
        }
      };
    },
  });
}

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
  const seen = isRig ? recordPlacements() : undefined;
  const counts = { passed: 0, failed: 0, skipped: 0, uncompared: 0 };
  for (const { name, body } of tests) {
    if (!new RegExp(`on ${device}(?![\\w:])`).test(name)) continue;
    uncompared = 0;
    try {
      await body(context);
      counts[uncompared > 0 ? 'uncompared' : 'passed']++;
    } catch (error) {
      const kind = error instanceof Skipped ? 'skipped' : 'failed';
      counts[kind]++;
      // Random cases say what went wrong in the cause.
      const message = [error?.message, error?.cause?.message].filter(Boolean).join('; ');
      if (kind === 'failed') console.error(`FAILED ${name}: ${message.slice(0, 600)}`);
    }
  }
  const placed = seen && (await placements(seen));
  console.log(JSON.stringify({ ...counts, ...placed }));
  process.exit(counts.failed > 0 || placed?.outside.length > 0 ? 1 : 0);
});

/** Number of operations of all sessions that have ended, which they do in turn, and those that did not stay on the device. */
async function placements({ stop, read }) {
  stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const all = read();
  return { operations: all.length, outside: outsideTheDevice(all) };
}
