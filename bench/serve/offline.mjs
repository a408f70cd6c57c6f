/** Prints what the server must answer, and how fast the model is without one, measured for so many seconds. */
import { createModel, makeItems } from './model.mjs';

const [count, seconds, batch] = process.argv.slice(2).map(Number);
const model = await createModel();
const items = makeItems(count);
const expected = (await model.compare(items)).map(({ probability }) => probability);
let done = 0;
const start = performance.now();
while (performance.now() - start < 1000 * seconds) {
  const from = done % count;
  await model.compare(items.slice(from, from + batch));
  done += Math.min(batch, count - from);
}
const rate = (1000 * done) / (performance.now() - start);
console.log(JSON.stringify({ expected, rate }));
