export { WorldError } from './error.js';
export { ORACLE_WEIGHTS } from './oracle/oracle.js';
export type { Writers } from './pairs.js';
export { QUALITIES, type Quality } from './responses/writers.js';
export type { Split } from './splits.js';
export type { Task } from './task.js';
export { createWorld, oracleAccuracy, type World, type WorldOptions } from './world.js';
