export { DataError } from './error.js';
export { createRandom, type Random } from './random.js';
export type { PreferencePair, ResponseList, ResponsePair } from './records.js';
export { ORACLE_WEIGHTS } from './world/oracle.js';
export type { Task } from './world/task.js';
export { createWorld, oracleAccuracy, type Split, type World, type WorldOptions } from './world/world.js';
export { QUALITIES, type Quality } from './world/writers.js';
