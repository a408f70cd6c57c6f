import { bestOfNTable, differenceTable, policyTable, primarySentences } from '../../examples/rlhf/report.mjs';
import { madeOn, markdownTable, wrapped } from './markdown.mjs';

/** The figures of the study of RLHF. */
export function rlhfSection(results) {
  const tables = [policyTable(results), bestOfNTable(results), differenceTable(results)];
  return [
    ...primarySentences(results).map(wrapped),
    ...tables.flatMap((table) => [
      markdownTable(table),
      ...(table.caption === undefined ? [] : [wrapped(table.caption)]),
    ]),
    wrapped(madeOn(results.made)),
  ].join('\n\n');
}
