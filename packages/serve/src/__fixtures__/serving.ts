import type { Judge } from '@gram/ranking';
import { createRewardServer, type RewardServer, type ServerOptions } from '../index.js';
import { post, type Reply } from './client.js';
import { quickModel } from './models.js';

export const pair = { prompt: 'What is 2 + 2?', a: '4', b: 'About 5.' };

/** Pairs that are all different. */
export function pairsOf(name: string, count: number) {
  return Array.from({ length: count }, (_, index) => ({ prompt: name, a: `${name} is ${index}`, b: `no ${index}` }));
}

/** A server without a key unless the options name one. */
export interface Serving {
  readonly server: RewardServer;
  readonly url: string;
  compare(body: unknown, init?: RequestInit): Promise<Reply>;
  /** The value of a metric, with its labels if it has any. */
  metric(name: string): Promise<number>;
}

const servers: RewardServer[] = [];

/** To be called after each test. */
export async function stopAll(): Promise<void> {
  for (const server of servers.splice(0)) await server.close(0);
}

export async function serve(options: ServerOptions = {}, model: Judge = quickModel): Promise<Serving> {
  const server = createRewardServer(model, { apiKey: '', ...options });
  servers.push(server);
  const url = await server.listen();
  return {
    server,
    url,
    compare: (body, init) => post(`${url}/v1/compare`, body, init),
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length));
    },
  };
}
