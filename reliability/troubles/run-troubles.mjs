// Makes trouble for a run, one kind at a time, and looks what it says and whether anything is lost.
import { kinds } from '../stops/kinds.mjs';
import { disks } from './disks.mjs';
import { memory } from './memory.mjs';
import { openStage, saidBy } from './stage.mjs';
import { writers } from './writers.mjs';

/** Every trouble with every kind of run that it is made for. */
export const troubles = [...disks, ...memory, ...writers].flatMap(({ runs, ...trouble }) =>
  runs.map((run) => ({ ...trouble, run })),
);

/**
 * Makes one trouble. Afterwards the same command, without the trouble, must come to its end with the bytes of a run that had
 * none.
 *
 * @returns what the run said, and faults
 */
export async function runTrouble({ name, run, missing, diskSize, make }) {
  const result = { name, run, said: '', faults: [], seconds: 0, isDone: true };
  if (missing !== undefined) return { ...result, missing };
  const started = performance.now();
  const stage = await openStage(
    kinds.find((kind) => kind.name === run),
    { diskSize },
  );
  const fault = (text) => result.faults.push(text);
  /** Notes what a run said, and whether that is what it should have said. */
  const expectSaid = (ended, { how, words }) => {
    result.said = [result.said, saidBy(ended, stage.place)].filter(Boolean).join(' Then: ');
    if (ended.how !== how) fault(`ended with ${ended.how} and not with ${how}: ${ended.stderr}`);
    if (!words.test(ended.stderr)) fault(`did not say ${words}: ${ended.stderr}`);
    if (/unexpected error/.test(ended.stderr)) fault(ended.stderr);
  };
  try {
    await make({ stage, expectSaid, fault });
    const last = await stage.start().ended;
    if (last.how !== 0) fault(`the same command did not go on: ${last.stderr}`);
    const differing = stage.differing();
    if (differing.length > 0) fault(`other bytes in ${differing}`);
  } catch (error) {
    fault(String(error.stack));
  } finally {
    stage.close();
  }
  return { ...result, seconds: (performance.now() - started) / 1000 };
}
