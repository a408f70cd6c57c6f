// Requests that an OpenAPI document describes: such as it allows, such at its limits, and such beyond them.

/**
 * Lists requests at each limit of a schema and just beyond it, made from an example.
 *
 * @param {object} schema the JSON Schema of the body
 * @param {object} example a body that the server answers
 * @returns {{ keyword: string, path: string, within: object, beyond: object }[]}
 */
export function boundaryRequests(schema, example) {
  const found = [];
  const visit = (at, path, bodyWith) => {
    for (const option of at.anyOf ?? [at]) {
      for (const { keyword, within, beyond } of limitsOf(option)) {
        found.push({ keyword, path, within: bodyWith(within), beyond: bodyWith(beyond) });
      }
      for (const [name, inner] of Object.entries(option.properties ?? {})) {
        visit(inner, `${path}.${name}`, (value) => bodyWith({ ...sample(option), [name]: value }));
      }
      if (option.items !== undefined) {
        const least = Math.max(1, option.minItems ?? 0);
        visit(option.items, `${path}[]`, (value) => bodyWith(Array(least).fill(value)));
      }
    }
  };
  for (const [name, inner] of Object.entries(schema.properties)) {
    visit(inner, name, (value) => ({ ...example, [name]: value }));
  }
  return found;
}

/** Values at the limits of a schema and beyond them. */
function limitsOf(schema) {
  const { maxLength, minItems, maxItems, minimum, pattern, items } = schema;
  const limits = [];
  const add = (keyword, within, beyond) => limits.push({ keyword, within, beyond });
  const list = (count) => Array.from({ length: count }, (_, index) => sample(items, index));
  if (maxLength !== undefined) add('maxLength', 'x'.repeat(maxLength), 'x'.repeat(maxLength + 1));
  if (maxItems !== undefined) add('maxItems', list(maxItems), list(maxItems + 1));
  if (minItems > 0) add('minItems', list(minItems), list(minItems - 1));
  if (Number.isSafeInteger(minimum) && minimum > -1e9) add('minimum', minimum, minimum - 1);
  if (pattern !== undefined) add('pattern', 'user', 'not a word');
  return limits;
}

/** A value that a schema allows; others differ by their number. */
export function sample(schema, number = 0) {
  const option = schema.anyOf?.[0] ?? schema;
  if (option.const !== undefined) return option.const;
  if (option.enum !== undefined) return option.enum[number % option.enum.length];
  switch (option.type) {
    case 'string':
      return option.pattern === undefined ? `text ${number}` : 'user';
    case 'integer':
    case 'number':
      return Math.max(1, option.minimum ?? 1);
    case 'boolean':
      return number % 2 === 0;
    case 'array':
      return Array.from({ length: Math.max(1, option.minItems ?? 0) }, (_, index) =>
        sample(option.items, index),
      );
    case 'object': {
      const needed = option.required ?? [];
      return Object.fromEntries(needed.map((name) => [name, sample(option.properties[name], number)]));
    }
    default:
      return null;
  }
}

/**
 * Makes a value at random: mostly one that the schema allows, at times one that it does not.
 *
 * @param {object} schema a JSON Schema
 * @param {() => number} random numbers from 0 to 1
 */
export function randomValue(schema, random, depth = 0) {
  if (random() < 0.04) return junk(random);
  const options = schema.anyOf ?? [schema];
  const option = options[Math.floor(random() * options.length)];
  const count = (least, most) => least + Math.floor(random() ** 3 * (Math.min(most, 40) - least + 1));
  if (option.const !== undefined) return option.const;
  switch (option.type) {
    case 'string':
      return option.pattern === undefined
        ? randomText(option, random)
        : pick(['user', 'assistant', 'tool'], random);
    case 'integer':
    case 'number':
      return Math.floor(random() * 5) + (option.minimum > -1e9 ? option.minimum : 0);
    case 'boolean':
      return random() < 0.5;
    case 'array':
      return depth > 6
        ? []
        : Array.from({ length: count(option.minItems ?? 0, option.maxItems ?? 4) }, () =>
            randomValue(option.items, random, depth + 1),
          );
    case 'object': {
      const needed = new Set(option.required ?? []);
      const names = Object.keys(option.properties ?? {}).filter(
        (name) => (needed.has(name) ? 0.98 : 0.3) > random(),
      );
      return Object.fromEntries(
        names.map((name) => [name, randomValue(option.properties[name], random, depth + 1)]),
      );
    }
    default:
      return null;
  }
}

const TEXTS = [
  '',
  'x',
  '\u202e\u0000\n',
  '<|im_start|>user',
  '\ud83d\ude00',
  '\ud800',
  '[[A]]',
  '"\\',
  '{{ x }}',
  'é',
];

function randomText({ maxLength = 1000 }, random) {
  if (random() < 0.01) return 'x'.repeat(maxLength + (random() < 0.5 ? 0 : 1));
  return Array.from({ length: Math.floor(random() * 5) }, () => pick(TEXTS, random)).join(' ');
}

function junk(random) {
  return pick([null, -1, 1e308, true, '', [], {}, [null], { a: { b: [] } }, Array(2000).fill('x')], random);
}

const pick = (values, random) => values[Math.floor(random() * values.length)];
