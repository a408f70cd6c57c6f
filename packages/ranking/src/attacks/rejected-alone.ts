import { belowRejected } from './attack.js';

/** No attack: how often the rejected response wins by itself, to compare attacks with that hide below it. */
export const rejectedAlone = belowRejected('rejected alone', '');
