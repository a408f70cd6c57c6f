/**
 * Attacks servers that it starts, and says what became of them:
 *
 *     node packages/serve/attacks/run.mjs [--seconds 300] [--json]
 *
 * It needs the packages to be built. The exit status is 1 where a bound was not kept.
 */
import { parseArgs } from 'node:util';
import { attackServer } from './attack-server.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, json: { type: 'boolean', default: false } },
});
const { results, broken } = await attackServer({ seconds: Number(values.seconds) });
if (values.json) console.log(JSON.stringify({ results, broken }));
else {
  for (const [name, result] of Object.entries(results)) console.log(`${name}: ${JSON.stringify(result)}`);
  console.log(broken.length === 0 ? 'every bound was kept' : `not kept: ${broken.join('; ')}`);
}
process.exitCode = broken.length === 0 ? 0 : 1;
