import { wait } from '@gram/base';
import { expect, it } from 'vitest';
import { createGradientSums, type GradientTraffic, trafficOf } from './gradient-sums.js';

it('run one after the other, while the caller goes on', async () => {
  const steps: string[] = [];
  const traffic: GradientTraffic[] = [];
  const sum = async (name: string) => {
    steps.push(`begin ${name}`);
    await wait(20);
    steps.push(`end ${name}`);
    return 100;
  };
  const sums = createGradientSums(['a', 'b'], sum, (each) => traffic.push(each));
  sums.begin(0);
  await wait(10);
  expect(steps).toEqual(['begin a']);
  sums.begin(1);
  await sums.end();
  expect(steps).toEqual(['begin a', 'end a', 'begin b', 'end b']);
  expect(traffic).toMatchObject([{ received: 200 }]);
  // The second one began when the pass had ended.
  expect(traffic[0]!.overlapped).toBeGreaterThan(0);
  expect(traffic[0]!.overlapped).toBeLessThanOrEqual(100);
});

it('throw at the end what one of them has thrown', async () => {
  const sums = createGradientSums(
    ['a', 'b'],
    (name) => Promise.reject(new Error(`no ${name}`)),
    () => {},
  );
  sums.begin(0);
  sums.begin(1);
  await wait(1);
  await expect(sums.end()).rejects.toThrow('no a');
});

it('overlap with the time before the end of the pass', () => {
  const operations = [
    { began: 0, ended: 5, received: 10 },
    { began: 5, ended: 15, received: 100 },
    { began: 15, ended: 20, received: 1000 },
  ];
  expect(trafficOf(operations, 8)).toEqual({ received: 1110, overlapped: 10 + 30 });
  expect(trafficOf(operations, 20)).toEqual({ received: 1110, overlapped: 1110 });
  expect(trafficOf(operations, 0)).toEqual({ received: 1110, overlapped: 0 });
});
