import { createStudy, nextSteps, STUDIES } from 'create-gram';
import { defineCommand } from '../command.js';

/** `gram init`: a study as a project of one's own. */
export const initCommand = defineCommand({
  operands: {
    study: { value: 'STUDY', help: `one of ${STUDIES.join(', ')}` },
    directory: { value: 'DIR', help: 'directory to make (the name of the study)', isOptional: true },
  },
  flags: {
    tarballs: { value: 'DIR', help: 'takes the packages of gram from packed files instead of the registry' },
  },
  example: 'gram init reward-ranking my-study',
  cost: 'nothing; npm install then fetches the packages',
  async run({ study, directory, tarballs }, io) {
    io.stdout.write(nextSteps(await createStudy({ study, directory, tarballs })));
  },
});
