import { patternCost } from './pattern-cost.js';

const MAX_PATTERN = 4096;
/** Largest product of the numbers of all counted repetitions. */
const MAX_COUNTED = 10_000;
/** Repetitions without a limit that one alternative may hold. Published patterns have two. */
const MAX_OPEN = 3;

// Back references, calls of groups, callouts, conditions and absent operators: what makes matching more than a walk.
const REFUSED = /\\[1-9kg]|\(\*|\(\?[{(~]/;
const ESCAPE = /\\[pPx]\{[^}]*\}|\\(?![1-9kg])./gs;
const QUANTIFIER = /^(?:[*+?]|\{(\d{0,9}),?(\d{0,9})\})[?+]*/;

interface Group {
  /** Repetitions without a limit in the alternative that is read. */
  open: number;
  /** The largest such number among the alternatives that were read. */
  most: number;
  /** Whether it can match one text in more than one way: it repeats, or it chooses. */
  chooses: boolean;
}

/**
 * Finds what could make a regular expression of a tokenizer run away. The library searches by backtracking, and where a
 * search takes more than ten million steps it ends the process. A pattern that repeats what repeats or chooses already
 * takes exponentially many steps on some text, so it is refused; so are references to what was matched before, and patterns
 * that `patternCost` finds to take polynomially many.
 *
 * @returns what is wrong, as the end of a sentence; undefined where nothing is
 */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN) return `has a pattern of more than ${MAX_PATTERN} characters`;
  const bare = pattern.replace(ESCAPE, '_');
  if (REFUSED.test(bare)) return 'has a pattern that refers to groups, which no time bounds';
  const walk = withoutClasses(bare);
  if (walk === undefined) return 'has a pattern whose brackets do not match';
  return countProblem(walk) ?? repetitionProblem(walk) ?? powerProblem(pattern);
}

/** Replaces classes, which may nest, by one character each; undefined where one does not end. */
function withoutClasses(pattern: string): string | undefined {
  let text = '';
  let depth = 0;
  let before = '';
  for (const character of pattern) {
    if (character === '[') depth++;
    else if (depth === 0) text += character;
    // The first character of a class is no end of it.
    else if (character === ']' && before !== '[' && --depth === 0) text += '_';
    before = character;
  }
  return depth === 0 ? text : undefined;
}

/** One search with such a pattern takes more steps than the library allows on texts of a few thousand characters. */
function powerProblem(pattern: string): string | undefined {
  return patternCost(pattern).power > 1
    ? 'has a pattern with two repetitions in one alternative that what follows may take back'
    : undefined;
}

function countProblem(pattern: string): string | undefined {
  const counts = [...pattern.matchAll(/\{(\d{0,9}),?(\d*)\}/g)].map(([, from, to]) =>
    Math.max(Number(from), Number(to), 1),
  );
  const product = counts.reduce((all, count) => all * count, 1);
  return product > MAX_COUNTED ? 'has a pattern that repeats too many times' : undefined;
}

function repetitionProblem(pattern: string): string | undefined {
  const whole: Group = { open: 0, most: 0, chooses: false };
  const groups = [whole];
  let rest = pattern;
  // What has just ended; undefined behind a single character.
  let last: Group | undefined;
  while (rest !== '') {
    const group = groups.at(-1);
    if (group === undefined) return 'has a pattern whose groups do not match';
    const found = QUANTIFIER.exec(rest);
    if (found !== null) {
      const [text] = found;
      if (text[0] !== '?' && last?.chooses) return 'has a pattern that repeats what repeats or chooses';
      if (/^[*+]|,\}/.test(text)) group.open++;
      group.chooses = true;
      last = { open: 0, most: 0, chooses: true };
      rest = rest.slice(text.length);
      continue;
    }
    const character = rest[0];
    rest = rest.slice(1);
    last = undefined;
    if (character === '(') {
      groups.push({ open: 0, most: 0, chooses: false });
      // The mark of a group is no quantifier.
      rest = rest.replace(/^\?/, '');
    } else if (character === '|') {
      endAlternative(group);
      group.chooses = true;
    } else if (character === ')') {
      endAlternative(group);
      groups.pop();
      const outer = groups.at(-1);
      if (outer === undefined) return 'has a pattern whose groups do not match';
      outer.open += group.most;
      outer.chooses ||= group.chooses;
      last = group;
    }
  }
  if (groups.length !== 1) return 'has a pattern whose groups do not match';
  endAlternative(whole);
  if (whole.most <= MAX_OPEN) return undefined;
  return `has a pattern with more than ${MAX_OPEN} repetitions without a limit in one alternative`;
}

function endAlternative(group: Group): void {
  group.most = Math.max(group.most, group.open);
  group.open = 0;
}
