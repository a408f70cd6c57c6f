// Seeded mutations of bytes, JSON and text. Each takes a random stream of `createRandom`, so that a seed and the number of
// a case name an input.

const NUMBERS = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  31,
  32,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const LARGE = [2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e18, 2 ** 63, 1.8e19];
const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  '\u001b[31m',
  '\u202e',
  '\ud800',
  '\ufeff',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '{{ 7 * 7 }}',
  '<script>',
  'NaN',
  '1e999',
  'a'.repeat(5000),
  '🙂'.repeat(300),
];
const ODD_VALUES = [
  null,
  true,
  false,
  -1,
  0.5,
  -0,
  1e308,
  5e-324,
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  ...NUMBERS,
  ...LARGE,
  ...ODD_TEXTS,
];

/** Changes bytes in one to four places: flips, overwrites with numbers that matter, cuts, repeats, moves, inserts. */
export function mutateBytes(random, bytes, { within = bytes.length } = {}) {
  let result = Buffer.from(bytes);
  for (let times = 1 + random.integer(4); times > 0; times--) {
    result = changeBytes(random, result, Math.max(1, Math.min(within, result.length)));
  }
  return result;
}

function changeBytes(random, bytes, within) {
  if (bytes.length === 0) return Buffer.from([random.integer(256)]);
  const at = random.integer(within);
  const length = 1 + random.integer(Math.min(64, bytes.length - at));
  const [head, piece, tail] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(at + length),
  ];
  switch (random.integer(9)) {
    case 0:
      bytes[at] ^= 1 << random.integer(8);
      return bytes;
    case 1:
      bytes[at] = random.integer(256);
      return bytes;
    case 2:
      return writeNumber(random, bytes, at);
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([head, tail]);
    case 5:
      return Buffer.concat([head, piece, piece, tail]);
    case 6:
      return Buffer.concat([head, Buffer.from(random.pick(ODD_TEXTS)), tail]);
    case 7:
      return Buffer.concat([bytes, piece]);
    default: {
      const from = random.integer(within);
      bytes.copyWithin(at, from, Math.min(from + length, bytes.length));
      return bytes;
    }
  }
}

function writeNumber(random, bytes, at) {
  if (bytes.length - at < 8) return bytes;
  const value = random.pick([...NUMBERS, ...LARGE]);
  if (value < 2 ** 32 && random.integer(2) === 0) bytes.writeUInt32LE(value, at);
  else bytes.writeBigUInt64LE(BigInt(Math.min(value, 1.8e19)), at);
  return bytes;
}

/** Changes a JSON value in one to three places; the value itself stays as it is. */
export function mutateJson(random, value) {
  let result = structuredClone(value);
  for (let times = 1 + random.integer(3); times > 0; times--) result = changeJson(random, result);
  return result;
}

function changeJson(random, value) {
  const places = [];
  collect(value, places);
  if (places.length === 0 || random.integer(40) === 0) return random.pick(ODD_VALUES);
  // Large lists, such as vocabularies, must not take all mutations: the depth is drawn first.
  const depth = random.pick([...new Set(places.map((place) => place.depth))]);
  const { holder, key } = random.pick(places.filter((place) => place.depth === depth));
  const other = random.pick(places);
  switch (random.integer(8)) {
    case 0:
      remove(holder, key);
      break;
    case 1:
      put(holder, key, structuredClone(other.holder[other.key]));
      break;
    case 2:
      if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(holder[key]));
      else put(holder, `${key}${random.pick(ODD_TEXTS)}`, holder[key]);
      break;
    case 3:
      put(holder, key, nested(random, holder[key]));
      break;
    case 4:
    case 5:
      put(holder, key, nearby(random, holder[key]));
      break;
    default:
      put(holder, key, structuredClone(random.pick(ODD_VALUES)));
  }
  return value;
}

function collect(value, places, depth = 0) {
  if (typeof value !== 'object' || value === null || depth > 12) return;
  const keys = Object.keys(value);
  const step = Math.max(1, Math.floor(keys.length / 24));
  for (let at = 0; at < keys.length; at += step) {
    places.push({ holder: value, key: keys[at], depth });
    collect(value[keys[at]], places, depth + 1);
  }
}

function remove(holder, key) {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function put(holder, key, value) {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function nested(random, value) {
  let result = value;
  for (let depth = random.pick([1, 2, 60, 200]); depth > 0; depth--)
    result = random.integer(2) ? [result] : { a: result };
  return result;
}

function nearby(random, value) {
  if (typeof value === 'number')
    return random.pick([value + 1, value - 1, -value, value * 2, value / 2, ...LARGE]);
  if (typeof value === 'string') return mutateText(random, value);
  if (typeof value === 'boolean') return !value;
  return random.pick(ODD_VALUES);
}

/** Changes a text in one place. */
export function mutateText(random, text) {
  const at = random.integer(text.length + 1);
  const length = random.integer(Math.min(20, text.length - at) + 1);
  const [head, piece, tail] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
  switch (random.integer(6)) {
    case 0:
      return head + tail;
    case 1:
      return head + piece + piece + tail;
    case 2:
      return head + random.pick(ODD_TEXTS) + tail;
    case 3:
      return head;
    case 4:
      return head + String.fromCharCode(random.integer(256)) + tail;
    default:
      return head + [...piece].reverse().join('') + tail;
  }
}

/** The text of a JSON value after a change of the value or, one time in four, of its bytes. */
export function mutateJsonText(random, value) {
  const bytes = Buffer.from(JSON.stringify(random.integer(4) === 0 ? value : mutateJson(random, value)));
  return random.integer(4) === 0 ? mutateBytes(random, bytes) : bytes;
}
