import { quote } from '@gram/base';
import { ModelError } from '../error.js';

function listed(kind: string, names: readonly string[]): string {
  const rest = names.length > 5 ? ', ...' : '';
  return `${names.length} ${kind} (${names.slice(0, 5).join(', ')}${rest})`;
}

/**
 * Checks that tensors are those expected: none missing, none more, each in its shape.
 *
 * @param where names the source in messages.
 * @throws {ModelError} `bad-weights`, naming up to five tensors of each fault
 */
export function checkShapes(
  found: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  expected: ReadonlyMap<string, readonly number[]>,
  where: string,
): void {
  const missing = [...expected.keys()].filter((name) => !found.has(name)).map(quote);
  const unexpected: string[] = [];
  const misshapen: string[] = [];
  for (const [name, { shape }] of found) {
    const wanted = expected.get(name);
    if (wanted === undefined) unexpected.push(quote(name));
    else if (wanted.join() !== shape.join()) {
      misshapen.push(`${quote(name)} [${shape.slice(0, 8)}] instead of [${wanted}]`);
    }
  }
  const faults = [
    ...(missing.length > 0 ? [listed('missing', missing)] : []),
    ...(unexpected.length > 0 ? [listed('unexpected', unexpected)] : []),
    ...(misshapen.length > 0 ? [listed('of the wrong shape', misshapen)] : []),
  ];
  if (faults.length === 0) return;
  throw new ModelError(
    'bad-weights',
    `${where}: tensors ${faults.join('; ')}`,
    'use the configuration that belongs to these weights',
  );
}
