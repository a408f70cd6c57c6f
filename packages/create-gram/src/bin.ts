import { GramError } from '@gram/base';
import { createStudy, nextSteps, STUDIES } from './create-study.js';
import { CreateError } from './error.js';

try {
  const [study, directory, ...rest] = process.argv.slice(2);
  if (study === undefined || study.startsWith('-') || rest.length > 0) {
    const usage = `npm create gram STUDY [DIR], with STUDY one of ${STUDIES.join(', ')}`;
    throw new CreateError('usage', 'a study and at most a directory are wanted', usage);
  }
  process.stdout.write(nextSteps(await createStudy({ study, directory })));
} catch (error) {
  if (!(error instanceof GramError)) throw error;
  process.stderr.write(`create-gram: ${error.message}; ${error.hint}\n`);
  process.exitCode = 1;
}
