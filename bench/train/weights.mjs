/**
 * Saves random weights of a configuration, which every system loads:
 *
 *     node bench/train/weights.mjs CONFIGURATION DIRECTORY
 *
 * A process of its own: on Linux a child can begin with the peak of memory of its parent, so the one that starts the
 * measurements has to stay small.
 */
import { initWeights, saveModel } from '@gram/model';
import { configurations, fastNormal } from '../engine/configurations.mjs';

const [configuration, directory] = process.argv.slice(2);
const config = configurations[configuration];
await saveModel(directory, { config, weights: initWeights(config, fastNormal()) });
console.log('{}');
