import type { WordRules } from './rules.js';

/**
 * Characters of which JavaScript and the library have one opinion, in every version of Unicode: ASCII, the printable half of
 * Latin-1, the Cyrillic letters of Russian and Ukrainian, and frequent punctuation. Each is one UTF-16 unit and its own composed
 * form (NFC).
 */
const PLAIN_CLASS = String.raw`\p{ASCII}\xa0-\xff\u0401\u0404\u0406\u0407\u0410-\u044f\u0451\u0454\u0456\u0457\u2010-\u2027\u20ac`;
const PLAIN = new RegExp(`^[${PLAIN_CLASS}]*$`, 'u');
const FOREIGN = new RegExp(`[^${PLAIN_CLASS}]`, 'gu');
/** The end of a word that every known pattern ends there: none goes on from a letter to a space. */
const END_OF_WORD = /[A-Za-z](?= [A-Za-z])/g;

const SPACE = 0x20;
const APOSTROPHE = 0x27;

/** Whether this file can split a text as the library does. */
function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** The place of a part in a text: a word of plain text, or a run of words that the library has to split. */
export type VisitPart = (start: number, end: number, isWord: boolean) => void;

/**
 * Splits a text into the words (pre-tokens) within which a tokenizer looks for tokens, as the library splits it. The ids of a text
 * are then those of its words, one after the other, and a word has the same ids everywhere.
 *
 * @param units those of the text
 * @param visit called with each word of plain text, and with each run of words around characters that are not plain, in order
 */
export function eachPart(text: string, units: Uint16Array, rules: WordRules, visit: VisitPart): void {
  if (isPlain(text)) {
    eachWord(units, { start: 0, end: text.length }, rules, visit);
    return;
  }
  let done = 0;
  for (let at = placeAfter(FOREIGN, text, 0); at !== undefined; at = placeAfter(FOREIGN, text, done)) {
    const start = endOfWordBefore(text, done, at);
    const last = placeAfter(END_OF_WORD, text, at);
    const end = last === undefined ? text.length : last + 1;
    eachWord(units, { start: done, end: start }, rules, visit);
    visit(start, end, false);
    done = end;
  }
  eachWord(units, { start: done, end: text.length }, rules, visit);
}

/**
 * Finds the part of a text whose tokens are the same whatever stands before and behind the text: from its first end of a word
 * that is one for every pattern to its last; undefined where there is none.
 */
export function insideOf(text: string): { readonly start: number; readonly end: number } | undefined {
  const first = placeAfter(END_OF_WORD, text, 0);
  if (first === undefined) return undefined;
  const start = first + 1;
  const end = endOfWordBefore(text, start, text.length);
  return end > start ? { start, end } : undefined;
}

function placeAfter(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index;
}

/** The last end of a word before a place, or the start where there is none. */
function endOfWordBefore(text: string, start: number, place: number): number {
  const isLetter = (at: number) => /[A-Za-z]/.test(text.charAt(at));
  for (let end = place - 2; end > start; end--) {
    if (text.charCodeAt(end) === SPACE && isLetter(end - 1) && isLetter(end + 1)) return end;
  }
  return start;
}

/** Kinds of characters between which the patterns tell. */
const [OTHER, LETTER, DIGIT, LINE_END, WHITE] = [0, 1, 2, 3, 4];

/** The kind of each plain character, by its code. */
const KINDS = Uint8Array.from({ length: 0x20ad }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[\r\n]/.test(character)) return LINE_END;
  if (/\s/.test(character)) return WHITE;
  if (/\p{L}/u.test(character)) return LETTER;
  return /\p{N}/u.test(character) ? DIGIT : OTHER;
});

function kindAt(units: Uint16Array, at: number): number | undefined {
  return KINDS[units[at] ?? 0];
}

/** The end of the run of characters of a kind that begins at a place. */
function endOfRun(units: Uint16Array, kind: number, start: number, end: number): number {
  let at = start;
  while (at < end && kindAt(units, at) === kind) at++;
  return at;
}

/** Splits a part of a text that is plain. */
function eachWord(
  units: Uint16Array,
  { start, end }: { readonly start: number; readonly end: number },
  rules: WordRules,
  visit: VisitPart,
): void {
  let pieceEnd = end;
  for (let at = start; at < end; ) {
    if (rules.splitsDigitsFirst && (at === start || at >= pieceEnd)) pieceEnd = endOfPiece(units, at, end);
    const next = endOfWord(units, at, pieceEnd, rules);
    visit(at, next, true);
    at = next;
  }
}

/** Place where digits are split off: the one before the next digit, or after the one here. */
function endOfPiece(units: Uint16Array, start: number, end: number): number {
  if (kindAt(units, start) === DIGIT) return start + 1;
  let at = start;
  while (at < end && kindAt(units, at) !== DIGIT) at++;
  return at;
}

/** The end of the word that begins at a place, by the alternatives of the patterns in their order. */
function endOfWord(units: Uint16Array, at: number, end: number, rules: WordRules): number {
  const code = units[at] ?? 0;
  const kind = KINDS[code];
  if (code === APOSTROPHE) {
    const length = contraction(units, at, end, rules.foldsContractions);
    if (length > 0) return at + length;
  }
  if (kind === LETTER) return endOfRun(units, LETTER, at + 1, end);
  const next = at + 1 < end ? kindAt(units, at + 1) : undefined;
  const mayStandBefore = rules.beforeLetters === 'space' ? code === SPACE : kind === OTHER || kind === WHITE;
  if (next === LETTER && mayStandBefore) return endOfRun(units, LETTER, at + 2, end);
  if (kind === DIGIT) return endOfRun(units, DIGIT, at + 1, Math.min(end, at + rules.digits));
  if (next === DIGIT && code === SPACE && rules.spaceBeforeDigits)
    return endOfRun(units, DIGIT, at + 2, Math.min(end, at + 1 + rules.digits));
  if (kind === OTHER || (next === OTHER && code === SPACE)) {
    const punctuation = endOfRun(units, OTHER, at + 1, end);
    return rules.linesAfterPunctuation ? endOfRun(units, LINE_END, punctuation, end) : punctuation;
  }
  return endOfWhite(units, at, end, rules);
}

/** The length of a contraction at a place, 0 where there is none. */
function contraction(units: Uint16Array, at: number, end: number, folds: boolean): number {
  const found = String.fromCharCode(...units.subarray(at + 1, Math.min(end, at + 3)));
  const letters = folds ? found.toLowerCase() : found;
  if (/^[stmd]/.test(letters)) return 2;
  return /^(?:re|ve|ll)/.test(letters) ? 3 : 0;
}

/** The end of white space: after its last line end, or before the last character where a word follows. */
function endOfWhite(units: Uint16Array, at: number, end: number, { endsAtLines }: WordRules): number {
  let [stop, afterLine] = [at, at];
  for (let kind = kindAt(units, stop); kind === WHITE || kind === LINE_END; kind = kindAt(units, stop)) {
    stop++;
    if (kind === LINE_END) afterLine = stop;
    if (stop === end) break;
  }
  if (endsAtLines && afterLine > at) return afterLine;
  return stop === end || stop === at + 1 ? stop : stop - 1;
}
