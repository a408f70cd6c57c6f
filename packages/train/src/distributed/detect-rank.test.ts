import { describe, expect, it } from 'vitest';
import { connect } from './connect.js';
import { detectRank } from './detect-rank.js';

describe('detectRank', () => {
  it.each([
    [
      'Open MPI',
      { OMPI_COMM_WORLD_RANK: '5', OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_LOCAL_RANK: '1' },
      [5, 8, 1],
    ],
    ['MPICH', { PMI_RANK: '1', PMI_SIZE: '2', MPI_LOCALRANKID: '1' }, [1, 2, 1]],
    ['srun', { SLURM_PROCID: '3', SLURM_STEP_NUM_TASKS: '4', SLURM_LOCALID: '0' }, [3, 4, 0]],
    ['a batch script without srun', { SLURM_PROCID: '0', SLURM_NTASKS: '4' }, [0, 1, 0]],
    ['nothing', {}, [0, 1, 0]],
  ])('reads what %s says', (_, environment, [rank, size, localRank]) => {
    expect(detectRank(environment)).toEqual({ rank, size, localRank });
  });

  it.each([
    { PMI_RANK: '2', PMI_SIZE: '2' },
    { PMI_RANK: '-1', PMI_SIZE: '2' },
    { PMI_RANK: '0', PMI_SIZE: 'two' },
  ])('refuses %o', (environment) => {
    expect(() => detectRank(environment)).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });
});

describe('connect', () => {
  it('loads nothing for a process without a launcher', async () => {
    expect(await connect()).toMatchObject({ rank: 0, size: 1 });
  });

  it('refuses a limit that is none', async () => {
    await expect(connect({ stallSeconds: 0 })).rejects.toMatchObject({ code: 'bad-config' });
  });
});
