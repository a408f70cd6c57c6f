// Stand-in for cuBLASLt: products compute nothing.
#include <stdlib.h>

static int handle(void **made) {
  *made = calloc(1, 64);
  return 0;
}

int cublasLtCreate(void **made) { return handle(made); }
int cublasLtMatmulDescCreate(void **made) { return handle(made); }
int cublasLtMatmulPreferenceCreate(void **made) { return handle(made); }
int cublasLtMatrixLayoutCreate(void **made) { return handle(made); }
int cublasLtMatrixTransformDescCreate(void **made) { return handle(made); }
