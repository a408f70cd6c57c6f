// Stand-in for cuDNN: operations compute nothing.
#include <stdlib.h>

static int handle(void **made) {
  *made = calloc(1, 64);
  return 0;
}

size_t cudnnGetVersion(void) { return 91200; }
const char *cudnnGetErrorString(int status) { return "status of the rig"; }
int cudnnCreate(void **made) { return handle(made); }
int cudnnCreateReduceTensorDescriptor(void **made) { return handle(made); }
int cudnnCreateTensorDescriptor(void **made) { return handle(made); }
int cudnnCreateActivationDescriptor(void **made) { return handle(made); }

int cudnnGetReductionWorkspaceSize(void *handle, void *reduction, void *a, void *c, size_t *bytes) {
  *bytes = 0;
  return 0;
}

int cudnnGetReductionIndicesSize(void *handle, void *reduction, void *a, void *c, size_t *bytes) {
  *bytes = 0;
  return 0;
}
