export { checkAddress } from './address.js';
export { type ErrorBody, ServeError } from './error.js';
export type { Limits, ServerOptions } from './options.js';
export { createRewardServer, type RewardServer } from './server.js';
