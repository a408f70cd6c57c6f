import type { JudgePrompt } from '../prompts/judge-prompt.js';

/** User text made safe to stand in a judging prompt. */
export interface NeutralText {
  readonly text: string;
  /** Whether anything was changed. */
  readonly neutralised: boolean;
}

/**
 * Keeps user text from posing as a part of the judging prompt: a backslash goes after the first character of each
 * marker, as in `[\User Question]`. A marker already escaped gets one more, so {@link restoreMarkers} undoes it
 * exactly. Only the exact markers count; other spellings are left to the model's judgement.
 */
export function neutraliseMarkers(prompt: JudgePrompt, text: string): NeutralText {
  const safe = text.replace(markerPattern(prompt), (found) => `${found[0]}\\${found.slice(1)}`);
  return { text: safe, neutralised: safe !== text };
}

/** The text that {@link neutraliseMarkers} was given. */
export function restoreMarkers(prompt: JudgePrompt, text: string): string {
  return text.replace(markerPattern(prompt), (found) =>
    found[1] === '\\' ? `${found[0]}${found.slice(2)}` : found,
  );
}

/** Matches each marker, plain or with any number of backslashes after its first character. */
function markerPattern({ markers, markersCount }: JudgePrompt): RegExp {
  // A pattern without forms would match everywhere.
  if (markers.length === 0) return /(?!)/;
  const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const forms = markers.map((marker) => `${quote(marker.slice(0, 1))}\\\\*${quote(marker.slice(1))}`);
  const start = markersCount === 'at-line-start' ? '(?<=^|[\\n\\r])' : '';
  return new RegExp(`${start}(?:${forms.join('|')})`, 'g');
}
