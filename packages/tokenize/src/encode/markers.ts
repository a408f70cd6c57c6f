import type { JudgePrompt } from '../prompts/judge-prompt.js';

/** User text in which markers of a judging prompt are escaped. */
export interface NeutralText {
  readonly text: string;
  /** Whether anything was changed. */
  readonly neutralized: boolean;
}

/**
 * Escapes the markers of a judging prompt, so that user text cannot pose as a part of it. A backslash goes after the first
 * character of each marker, as in `[\User Question]`. A marker that is already escaped gets one more, so that
 * {@link restoreMarkers} reverts it exactly. Only exact markers count; other spellings are left to the model's judgment.
 */
export function neutralizeMarkers(prompt: JudgePrompt, text: string): NeutralText {
  const safe = text.replace(markerPattern(prompt), (found) => `${found[0]}\\${found.slice(1)}`);
  return { text: safe, neutralized: safe !== text };
}

/** Reverts {@link neutralizeMarkers}. */
export function restoreMarkers(prompt: JudgePrompt, text: string): string {
  return text.replace(markerPattern(prompt), (found) =>
    found[1] === '\\' ? `${found[0]}${found.slice(2)}` : found,
  );
}

/** The patterns of prompts, which are asked for with every text. */
const patterns = new WeakMap<JudgePrompt, RegExp>();

/** Matches each marker, plain or with any number of backslashes after its first character. */
function markerPattern(prompt: JudgePrompt): RegExp {
  const pattern = patterns.get(prompt) ?? makePattern(prompt);
  patterns.set(prompt, pattern);
  return pattern;
}

function makePattern({ markers, markersCount }: JudgePrompt): RegExp {
  // A pattern without forms would match everywhere.
  if (markers.length === 0) return /(?!)/;
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const forms = markers.map((marker) => `${literal(marker.slice(0, 1))}\\\\*${literal(marker.slice(1))}`);
  const start = markersCount === 'at-line-start' ? '(?<=^|[\\n\\r])' : '';
  return new RegExp(`${start}(?:${forms.join('|')})`, 'g');
}
