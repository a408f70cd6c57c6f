// Stand-in for the driver of an NVIDIA GPU, which the CUDA runtime's stand-in does not need.
int cuInit(unsigned flags) { return 0; }
