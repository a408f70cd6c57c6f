/**
 * The program of the process of {@link renderJinja}, as text. Node runs it from the command line, so it need not be a file
 * beside the bundle. It takes one job and answers with `{ text }` or `{ kind, reason }` for each of its contexts,
 * or with one `{ kind, reason }` for all.
 *
 * The environment is the one that transformers sets up. Four things differ from what the library itself offers:
 *
 * - `strip`, `lstrip` and `rstrip` honor their argument. The library ignores it, and Qwen3's template strips newlines
 *   but not spaces.
 * - `tojson` sorts names as Python does, by characters. The library sorts them as a dictionary of a language would.
 * - `range` stops at 100,000 elements, as in Jinja's sandbox.
 * - `strftime_now` returns the given time, in UTC and English, whatever the machine's clock and locale are.
 */
export const PROCESS_SOURCE = `
'use strict';
const { Script } = require('node:vm');
const { Environment, Interpreter, Template } = require(process.argv[1]);

class Refusal extends Error {}
class Limit extends Error {}

const strings = Object.getPrototypeOf(new Environment().set('any', ''));
const builtins = Object.getOwnPropertyDescriptor(strings, 'builtins').get;
const pick = (args) => (args[0] && typeof args[0].value === 'string' ? args[0].value : undefined);
function strip(text, chars, left, right) {
  const out = (char) => (chars === undefined ? /[\\s\\x1c-\\x1f\\x85]/.test(char) && char !== '\\ufeff' : chars.includes(char));
  let [from, to] = [0, text.length];
  while (left && from < to && out(text[from])) from++;
  while (right && from < to && out(text[to - 1])) to--;
  return text.slice(from, to);
}
Object.defineProperty(strings, 'builtins', {
  get() {
    const map = builtins.call(this);
    const define = (name, left, right) => map.set(name, new (map.get(name).constructor)(
      (args) => new strings.constructor(strip(this.value, pick(args), left, right)),
    ));
    define('strip', true, true);
    define('lstrip', true, false);
    define('rstrip', false, true);
    return map;
  },
});

String.prototype.localeCompare = function (other) {
  return this < other ? -1 : this > other ? 1 : 0;
};

function range(start, stop, step) {
  const [from, to] = typeof stop === 'number' ? [start, stop] : [0, start];
  const by = typeof step === 'number' ? step : 1;
  if (by === 0) throw new Error('range() with a step of zero');
  if ((to - from) / by > 100000) throw new Limit('a range has more than 100000 elements');
  const values = [];
  for (let value = from; by > 0 ? value < to : value > to; value += by) values.push(value);
  return values;
}

let now = new Date(0);
const named = (options) => new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...options }).format(now);
const padded = (value) => String(value).padStart(2, '0');
const directives = {
  Y: () => String(now.getUTCFullYear()),
  y: () => padded(now.getUTCFullYear() % 100),
  m: () => padded(now.getUTCMonth() + 1),
  d: () => padded(now.getUTCDate()),
  H: () => padded(now.getUTCHours()),
  I: () => padded(now.getUTCHours() % 12 || 12),
  p: () => (now.getUTCHours() < 12 ? 'AM' : 'PM'),
  M: () => padded(now.getUTCMinutes()),
  S: () => padded(now.getUTCSeconds()),
  B: () => named({ month: 'long' }),
  b: () => named({ month: 'short' }),
  A: () => named({ weekday: 'long' }),
  a: () => named({ weekday: 'short' }),
  '%': () => '%',
};
function strftimeNow(format) {
  return format.replace(/%(.?)/gs, (found, letter) => {
    if (!Object.hasOwn(directives, letter)) throw new Error('strftime_now does not know ' + found);
    return directives[letter]();
  });
}

function render(program, variables) {
  const scope = new Environment();
  const globals = {
    true: true, True: true, false: false, False: false, none: null, None: null,
    range,
    strftime_now: strftimeNow,
    raise_exception: (reason) => { throw new Refusal(String(reason)); },
    ...variables,
  };
  for (const [name, value] of Object.entries(globals)) scope.set(name, value);
  return String(new Interpreter(scope).run(program).value);
}

let job;
globalThis.renderAll = () => {
  const { parsed } = new Template(job.template);
  return job.contexts.map((variables) => {
    try {
      const text = render(parsed, variables);
      if (text.length <= job.maxChars) return { text };
      throw new Limit('it gives more than ' + job.maxChars + ' characters');
    } catch (error) {
      return failure(error);
    }
  });
};

function failure(error) {
  const reason = error instanceof Error ? error.message : String(error);
  // RangeError: the stack is used up, or a string or list has grown beyond what the engine can hold.
  const kind = error instanceof Refusal ? 'refused'
    : error instanceof Limit || error instanceof RangeError ? 'limit' : 'broken';
  return { kind, reason: reason.slice(0, 1000) };
}

function answer() {
  try {
    // Of all calls into synchronous code, only those of the vm module have a time limit.
    return new Script('renderAll()').runInThisContext({ timeout: job.milliseconds });
  } catch (error) {
    if (error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      return { kind: 'limit', reason: 'it takes longer than ' + job.milliseconds / 1000 + ' s' };
    }
    return failure(error);
  }
}

process.once('message', (message) => {
  job = message;
  now = new Date(job.now);
  process.send(answer(), () => process.disconnect());
});
`;
