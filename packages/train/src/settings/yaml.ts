import { parseDocument, stringify } from 'yaml';

/** A fault of a YAML text, in one line, with the number of the line where that is known. */
export class YamlProblem extends Error {}

/**
 * Parses YAML 1.2 with the core schema: mappings with text keys, lists, text, numbers, booleans and null. Tags of any
 * other type are refused, so a file cannot ask for an object to be made. Anchors may be used, but not to inflate a
 * small file into a large value.
 *
 * @throws YamlProblem
 */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { schema: 'core', version: '1.2', stringKeys: true });
  // An unknown tag is only a warning to the library.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const [summary = ''] = problem.message.split('\n');
    const line = problem.linePos?.[0].line;
    throw new YamlProblem(
      `${line === undefined ? '' : `line ${line}: `}${summary.replace(/ at line \d+, column \d+:?$/, '')}`,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch (cause) {
    throw new YamlProblem(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Writes a value as YAML; long texts stay on one line. */
export function formatYaml(value: unknown): string {
  return stringify(value, { schema: 'core', version: '1.2', lineWidth: 0 });
}
