export { type ErrorBody, ServeError, type ServeErrorCode } from './error.js';
export { checkAddress } from './http/address.js';
export { createRewardServer, type RewardServer } from './http/server.js';
export type { Limits, ParseRendered, RenderedConversation, ServerOptions } from './options.js';
