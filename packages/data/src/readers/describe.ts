import { FORMATS } from '../formats/index.js';
import type { StepCounts } from '../pipeline/step.js';
import type { ReadCounts, Reading } from './options.js';

/**
 * Says in sentences what a person should know about a file that was read: the format, if it was recognized, how many items the
 * records give, and what looks like a mistake of the data.
 *
 * @param isNamed whether the format was named
 */
export function readingNotes({ format, counts }: Reading<unknown>, isNamed: boolean): readonly string[] {
  const { kept, items, emptyResponses, repeatedPrompts } = counts;
  return [
    ...(format === undefined || isNamed
      ? []
      : [`recognized the format ${format}, ${FORMATS[format].fields}; another one has to be named`]),
    ...(items === kept ? [] : [`${kept} records give ${items} examples`]),
    ...(emptyResponses > 0 ? [`${emptyResponses} empty responses were left out of their lists`] : []),
    ...(repeatedPrompts > 0
      ? [
          `the responses of ${repeatedPrompts} of ${kept} records begin with their prompt, which then stands twice`,
        ]
      : []),
  ];
}

/** Writes the counts of a step as one line whose numbers add up. */
export function describeStep({ name, read, kept, dropped }: StepCounts): string {
  return `${name.replaceAll('-', ' ')}: ${read} read, ${kept} kept, ${droppedOf(read - kept, dropped)}`;
}

/** Writes the reason why records were left out as words: `empty-prompt` as `empty prompt`. One that names a file stays as it is. */
export function describeReason(reason: string): string {
  return /^[a-z-]+$/.test(reason) ? reason.replaceAll('-', ' ') : reason;
}

function droppedOf(count: number, dropped: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(dropped).map(([reason, number]) => `${number} ${describeReason(reason)}`);
  return reasons.length === 0 ? '0 dropped' : `${count} dropped (${reasons.join(', ')})`;
}

/** Writes counts as one line whose numbers add up. */
export function describeCounts({
  read,
  kept,
  dropped,
  repeatedIds,
}: Pick<ReadCounts, 'read' | 'kept' | 'repeatedIds'> & {
  readonly dropped: Readonly<Record<string, number>>;
}): string {
  return [
    `${read} records read`,
    `${kept} kept`,
    droppedOf(read - kept, dropped),
    ...(repeatedIds === 0 ? [] : [`${repeatedIds} with the id of an earlier one`]),
  ].join(', ');
}
