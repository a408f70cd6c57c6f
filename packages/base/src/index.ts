export { GramError } from './error.js';
