/** Steps of one search after which the library ends the process, with some room. */
const MAX_STEPS = 8_000_000;
/** Longest text that any tokenizer is given at once, in UTF-16 units. */
const MAX_TEXT = 4_000_000;
/** The same for a pattern that may look at the rest of a run again from each of its characters: about a second of work. */
const MAX_QUADRATIC = 10_000;

/** A part of an alternative: one character of a class, or a group. */
interface Item {
  /** Source of the class; undefined for a group. */
  readonly atom: string | undefined;
  readonly alternatives: readonly Alternative[];
  /** Smallest number of times, and whether there is no largest. */
  readonly least: number;
  readonly isOpen: boolean;
  /** Whether it gives back what it took where the rest does not match; possessive repetitions do not. */
  readonly givesBack: boolean;
}

type Alternative = readonly Item[];

/** Work that a pattern may cost on a text that was made for it. */
export interface PatternCost {
  /** Largest number of repetitions in one alternative that may be taken back: the steps of a search grow with this power. */
  readonly power: number;
  /** Longest text that it can be given, in UTF-16 units. */
  readonly maximumText: number;
}

// An escape, a class (which may nest one level deep), the mark of a group, or any other character.
const TOKEN =
  /\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|\[(?:\\.|[^\]\\])*\]|[^\]\\])*\]|\(\?(?:[imsx-]*[:)]|[=!>]|<[=!])|./gsuy;
const QUANTIFIER = /(?:([*+?])|\{(\d*)(,?)(\d*)\})([?+]?)/y;

/**
 * Finds what a regular expression costs where the library searches with it. It backtracks: a repetition that is followed by
 * something that must match is tried with every length. One such repetition makes one search linear, two quadratic. The whole
 * text is still linear where another alternative takes the same characters at once, as `\s+` does behind `\s+(?!\S)`; without
 * one it is quadratic, for the search begins again at every character.
 *
 * @param pattern one that `patternProblem` has no other fault with
 */
export function patternCost(pattern: string): PatternCost {
  const { alternatives } = parseAlternatives(pattern, 0);
  const taken = alternatives.map((alternative) => takenBack(alternative, []).taken);
  const consumed = new Set(alternatives.map(consumedBy));
  const all = taken.flat();
  const isQuadratic = all.some((atom) => !consumed.has(atom));
  return {
    power: Math.max(0, ...taken.map((each) => each.length)),
    maximumText: isQuadratic ? MAX_QUADRATIC : Math.min(MAX_TEXT, Math.floor(MAX_STEPS / (all.length || 1))),
  };
}

/**
 * The repetitions that something behind them may take back.
 *
 * @param before those that stand before, with nothing behind them yet that must match
 */
function takenBack(
  alternative: Alternative,
  before: readonly string[],
): { readonly taken: string[]; readonly pending: string[] } {
  const taken: string[] = [];
  let pending = [...before];
  for (const { atom, alternatives, least, isOpen, givesBack } of alternative) {
    if (least > 0) taken.push(...pending.splice(0));
    if (atom === undefined) {
      const inner = alternatives.map((each) => takenBack(each, []));
      taken.push(...inner.flatMap((each) => each.taken));
      pending = [...pending, ...inner.flatMap((each) => each.pending)];
    }
    if (isOpen && givesBack) pending.push(atom ?? 'a group');
  }
  return { taken, pending };
}

/** The class of which an alternative takes a whole run, whatever follows; undefined where it asks for something else. */
function consumedBy(alternative: Alternative): string | undefined {
  const needed = alternative.filter(({ least }) => least > 0);
  const [only] = needed;
  return needed.length === 1 && only?.isOpen ? only.atom : undefined;
}

interface Parsed {
  readonly alternatives: Alternative[];
  /** Where the group has ended. */
  readonly end: number;
}

function parseAlternatives(pattern: string, start: number): Parsed {
  const alternatives: Item[][] = [[]];
  let at = start;
  while (at < pattern.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(pattern)?.[0] ?? pattern.slice(at, at + 1);
    at += token.length;
    if (token === ')') break;
    if (token === '|') {
      alternatives.push([]);
      continue;
    }
    // Flags for what follows match nothing.
    if (/^\(\?[imsx-]*\)$/.test(token)) continue;
    const group = token.startsWith('(') ? parseAlternatives(pattern, at) : undefined;
    if (group !== undefined) at = group.end;
    const { end, ...times } = quantifierAt(pattern, at);
    at = end;
    const atom = group === undefined ? token : undefined;
    alternatives.at(-1)?.push({ atom, alternatives: group?.alternatives ?? [], ...times });
  }
  return { alternatives, end: at };
}

function quantifierAt(
  pattern: string,
  at: number,
): Pick<Item, 'least' | 'isOpen' | 'givesBack'> & { readonly end: number } {
  QUANTIFIER.lastIndex = at;
  const found = QUANTIFIER.exec(pattern);
  if (found === null) return { least: 1, isOpen: false, givesBack: false, end: at };
  const [text, sign, from = '', comma, to, mode] = found;
  return {
    least: sign === undefined ? Number(from) : sign === '+' ? 1 : 0,
    isOpen: sign === undefined ? comma === ',' && to === '' : sign !== '?',
    // Behind a count in braces a plus is a repetition of its own.
    givesBack: !(mode === '+' && sign !== undefined),
    end: at + text.length,
  };
}
