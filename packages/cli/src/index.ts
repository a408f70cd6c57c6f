export type { Io } from './command.js';
export { main } from './main.js';
