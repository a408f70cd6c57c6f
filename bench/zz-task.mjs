import { writeFileSync } from 'node:fs';
import { configurations } from './engine/configurations.mjs';
import { trainingTask } from './train/tasks.mjs';

const [c, s, n] = process.argv.slice(2);
writeFileSync('/tmp/task.json', JSON.stringify(trainingTask(Number(s), configurations[c], Number(n), 2)));
