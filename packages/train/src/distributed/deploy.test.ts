import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const example = (name: string) =>
  fileURLToPath(new URL(`../../../../examples/deploy/${name}`, import.meta.url));

it.skipIf(process.platform === 'win32')('the example for Slurm is a valid script', () => {
  const path = example('slurm.sbatch');
  execFileSync('bash', ['-n', path]);
  expect(readFileSync(path, 'utf8')).toMatch(/srun .*\\\n +npx gram finetune --config/);
});

it('the example for Kubernetes is a valid MPIJob whose processes fit its workers', () => {
  const { apiVersion, kind, spec } = parse(readFileSync(example('mpijob.yaml'), 'utf8'));
  expect([apiVersion, kind]).toEqual(['kubeflow.org/v2beta1', 'MPIJob']);
  const { Launcher, Worker } = spec.mpiReplicaSpecs;
  const [container] = Launcher.template.spec.containers;
  const script: string = container.args[0];
  if (process.platform !== 'win32') execFileSync('bash', ['-n', '-c', script]);
  const asked = Number(/-np (\d+)/.exec(script)![1]);
  expect(asked).toBe(Worker.replicas * spec.slotsPerWorker);
  for (const { template } of [Launcher, Worker]) {
    const claimed = template.spec.volumes.map(({ name }: { name: string }) => name);
    for (const { volumeMounts } of template.spec.containers) {
      for (const { name } of volumeMounts) expect(claimed).toContain(name);
    }
  }
});
