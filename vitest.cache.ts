// What tests encode goes to a folder of their own, which is removed at the end, and not to the user's cache.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folder; the process that reads the configuration of the tests is the one that sets them up. */
export const testCache = join(tmpdir(), `gram-test-cache-${process.pid}`);

export default () => () => rmSync(testCache, { recursive: true, force: true });
