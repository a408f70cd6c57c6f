// Loaded before a program, with `node --import`: its device `cuda` is that of the CUDA rig, on which graphs compute.
import { computeOnRig, openCudaRig } from '@gram/engine/testing';
import { detectRank, localGpu } from '@gram/train';

process.env.CUDA_VISIBLE_DEVICES = localGpu(detectRank(), process.env.CUDA_VISIBLE_DEVICES);
openCudaRig();
await computeOnRig();
