// Stand-in for cuBLAS: products compute nothing. The kind of arithmetic that was asked for is kept.
#include <stdlib.h>

static int mode;
static long modes[8];

// Counts of products that were prepared in a kind of arithmetic: 0 as the element type says, 3 TF32.
long rigMathModes(int kind) { return kind >= 0 && kind < 8 ? modes[kind] : -1; }

int cublasCreate_v2(void **handle) {
  *handle = calloc(1, 64);
  return 0;
}

int cublasSetMathMode(void *handle, int kind) {
  mode = kind;
  if (kind >= 0 && kind < 8) modes[kind]++;
  return 0;
}

int cublasGetMathMode(void *handle, int *kind) {
  *kind = mode;
  return 0;
}

const char *cublasGetStatusName(int status) { return "status of the rig"; }
const char *cublasGetStatusString(int status) { return "status of the rig"; }
