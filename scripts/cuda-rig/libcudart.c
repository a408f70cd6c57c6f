// Stand-in for the CUDA runtime on a machine without a GPU. Memory of a device is host memory, streams are queues that are
// empty but for the work of NCCL's stand-in, kernels compute nothing. Copies are real and their direction is checked, so that placement, memory, copies and
// errors can be tested; values that kernels compute cannot.
//
// RIG_DEVICES is the number of devices (2), of which CUDA_VISIBLE_DEVICES chooses, RIG_DRIVER the version of CUDA that the
// driver knows (13000), RIG_MEMORY the bytes of each device (80 GiB). rigCount() reads what was done.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef int Status;
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, OLD_DRIVER = 35, NO_DEVICE = 100, INVALID_DEVICE = 101 };
enum { HOST_TO_HOST, HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE, BY_ADDRESS };

static long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text != NULL && *text != 0 ? atol(text) : otherwise;
}

// CUDA counts the devices in the list up to the first that there is not.
static long devices(void) {
  long all = setting("RIG_DEVICES", 2), seen = 0;
  const char *visible = getenv("CUDA_VISIBLE_DEVICES");
  if (visible == NULL) return all;
  for (char *end = (char *)visible; *visible != 0; visible = *end == ',' ? end + 1 : end) {
    long device = strtol(visible, &end, 10);
    if (end == visible || device < 0 || device >= all) break;
    seen++;
  }
  return seen;
}

// Counters

static struct {
  long allocations, bytes, peakBytes, pinnedBytes, launches, synchronizations;
  long copiesToDevice, bytesToDevice, copiesToHost, bytesToHost, copiesOnDevice, bytesOnDevice, wrongCopies, mainThreadUploads;
} count;

// The value of a counter, or -1 for an unknown name.
long rigCount(const char *name) {
#define COUNTER(field) if (strcmp(name, #field) == 0) return count.field
  COUNTER(allocations);
  COUNTER(bytes);
  COUNTER(peakBytes);
  COUNTER(pinnedBytes);
  COUNTER(launches);
  COUNTER(synchronizations);
  COUNTER(copiesToDevice);
  COUNTER(bytesToDevice);
  COUNTER(copiesToHost);
  COUNTER(bytesToHost);
  COUNTER(copiesOnDevice);
  COUNTER(bytesOnDevice);
  COUNTER(wrongCopies);
  COUNTER(mainThreadUploads);
  return -1;
}

// Devices

static _Thread_local int current;
static _Thread_local Status lastError;

static Status fail(Status status) { return lastError = status; }

static Status available(void) {
  if (setting("RIG_DRIVER", 13000) < 13000) return fail(OLD_DRIVER);
  return devices() > 0 ? SUCCESS : fail(NO_DEVICE);
}

Status cudaGetDeviceCount(int *number) {
  Status status = available();
  *number = status == SUCCESS ? (int)devices() : 0;
  return status;
}

Status cudaSetDevice(int device) {
  Status status = available();
  if (status != SUCCESS) return status;
  if (device < 0 || device >= devices()) return fail(INVALID_DEVICE);
  current = device;
  return SUCCESS;
}

Status cudaGetDevice(int *device) {
  *device = current;
  return available();
}

Status cudaDriverGetVersion(int *version) {
  *version = (int)setting("RIG_DRIVER", 13000);
  return SUCCESS;
}

Status cudaRuntimeGetVersion(int *version) {
  *version = 13000;
  return SUCCESS;
}

// The head of `cudaDeviceProp` of CUDA 13, as far as the figures of a device go, and its whole size.
typedef struct {
  char name[256], uuid[16], luid[8];
  unsigned luidDeviceNodeMask;
  size_t totalGlobalMem, sharedMemPerBlock;
  int regsPerBlock, warpSize;
  size_t memPitch;
  int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
  size_t totalConstMem;
  int major, minor;
  size_t textureAlignment, texturePitchAlignment;
  int multiProcessorCount;
} DeviceFigures;
enum { SIZE_OF_PROPERTIES = 1008, SHARED_OPTIN = 232448, SHARED = 49152 };

Status cudaGetDeviceProperties(void *properties, int device) {
  if (device < 0 || device >= devices()) return fail(INVALID_DEVICE);
  memset(properties, 0, SIZE_OF_PROPERTIES);
  DeviceFigures *figures = properties;
  strcpy(figures->name, "Rig without a GPU");
  figures->totalGlobalMem = (size_t)setting("RIG_MEMORY", 80L << 30);
  figures->sharedMemPerBlock = SHARED;
  figures->regsPerBlock = 65536;
  figures->warpSize = 32;
  figures->maxThreadsPerBlock = figures->maxThreadsDim[0] = figures->maxThreadsDim[1] = 1024;
  figures->maxThreadsDim[2] = 64;
  figures->maxGridSize[0] = 2147483647;
  figures->maxGridSize[1] = figures->maxGridSize[2] = 65535;
  figures->major = 9;
  figures->multiProcessorCount = 132;
  return SUCCESS;
}

Status cudaDeviceGetAttribute(int *value, int attribute, int device) {
  enum {
    THREADS_PER_BLOCK = 1, SHARED_PER_BLOCK = 8, WARP = 10, PROCESSORS = 16, THREADS_PER_PROCESSOR = 39,
    MAJOR = 75, MINOR = 76, SHARED_PER_PROCESSOR = 81, SHARED_PER_BLOCK_OPTIN = 97
  };
  switch (attribute) {
    case THREADS_PER_BLOCK: *value = 1024; break;
    case SHARED_PER_BLOCK: *value = SHARED; break;
    case WARP: *value = 32; break;
    case PROCESSORS: *value = 132; break;
    case THREADS_PER_PROCESSOR: *value = 2048; break;
    case MAJOR: *value = 9; break;
    case MINOR: *value = 0; break;
    case SHARED_PER_PROCESSOR: *value = 233472; break;
    case SHARED_PER_BLOCK_OPTIN: *value = SHARED_OPTIN; break;
    default: *value = 1;
  }
  return SUCCESS;
}

// Memory

enum { PIECES = 1 << 16 };
static struct { uintptr_t start; size_t bytes; int device; } pieces[PIECES];
static int used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int pieceOf(const void *pointer) {
  for (int i = 0; i < used; i++) {
    if ((uintptr_t)pointer - pieces[i].start < pieces[i].bytes) return i;
  }
  return -1;
}

int rigIsOnDevice(const void *pointer) {
  pthread_mutex_lock(&lock);
  int found = pieceOf(pointer) >= 0;
  pthread_mutex_unlock(&lock);
  return found;
}

Status cudaMalloc(void **pointer, size_t bytes) {
  Status status = available();
  if (status != SUCCESS) return status;
  *pointer = NULL;
  pthread_mutex_lock(&lock);
  size_t rounded = (bytes + 4095) / 4096 * 4096 + (bytes == 0 ? 4096 : 0);
  if (used == PIECES || count.bytes + (long)rounded > setting("RIG_MEMORY", 80L << 30)) {
    status = OUT_OF_MEMORY;
  } else {
    // Pages take memory when they are first written, and a use after the end is a fault.
    void *start = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
      status = OUT_OF_MEMORY;
    } else {
      pieces[used].start = (uintptr_t)start;
      pieces[used].device = current;
      pieces[used++].bytes = rounded;
      count.allocations++;
      count.bytes += (long)rounded;
      if (count.bytes > count.peakBytes) count.peakBytes = count.bytes;
      *pointer = start;
    }
  }
  pthread_mutex_unlock(&lock);
  return status == SUCCESS ? SUCCESS : fail(status);
}

Status cudaFree(void *pointer) {
  if (pointer == NULL) return SUCCESS;
  pthread_mutex_lock(&lock);
  int i = pieceOf(pointer);
  if (i >= 0) {
    munmap((void *)pieces[i].start, pieces[i].bytes);
    count.bytes -= (long)pieces[i].bytes;
    pieces[i] = pieces[--used];
  }
  pthread_mutex_unlock(&lock);
  return i >= 0 ? SUCCESS : fail(INVALID_VALUE);
}

Status cudaMallocFromPoolAsync(void **pointer, size_t bytes, void *pool, void *stream) { return cudaMalloc(pointer, bytes); }
Status cudaFreeAsync(void *pointer, void *stream) { return cudaFree(pointer); }

Status cudaMallocHost(void **pointer, size_t bytes) {
  if (posix_memalign(pointer, 4096, bytes == 0 ? 4096 : bytes) != 0) return fail(OUT_OF_MEMORY);
  count.pinnedBytes += (long)bytes;
  return SUCCESS;
}
Status cudaHostAlloc(void **pointer, size_t bytes, unsigned flags) { return cudaMallocHost(pointer, bytes); }
Status cudaFreeHost(void *pointer) {
  free(pointer);
  return SUCCESS;
}

Status cudaMemGetInfo(size_t *available, size_t *total) {
  *total = (size_t)setting("RIG_MEMORY", 80L << 30);
  *available = *total - (size_t)count.bytes;
  return SUCCESS;
}

typedef struct {
  int type, device;
  void *devicePointer, *hostPointer;
  long reserved[8];
} PointerAttributes;

Status cudaPointerGetAttributes(PointerAttributes *attributes, const void *pointer) {
  pthread_mutex_lock(&lock);
  int i = pieceOf(pointer);
  memset(attributes, 0, 24);
  attributes->type = i >= 0 ? 2 : 0;
  attributes->device = i >= 0 ? pieces[i].device : -2;
  attributes->devicePointer = (void *)pointer;
  pthread_mutex_unlock(&lock);
  return SUCCESS;
}

// Copies

static pthread_t javaScript;
__attribute__((constructor)) static void begin(void) { javaScript = pthread_self(); }

// Notes a copy. One that claims another direction than its addresses have is refused, as on a device it would fault.
static Status note(void *to, const void *from, size_t bytes, int kind) {
  int source = rigIsOnDevice(from), target = rigIsOnDevice(to);
  int found = source ? (target ? DEVICE_TO_DEVICE : DEVICE_TO_HOST) : target ? HOST_TO_DEVICE : HOST_TO_HOST;
  if (kind != BY_ADDRESS && kind != found) {
    count.wrongCopies++;
    return fail(INVALID_VALUE);
  }
  pthread_mutex_lock(&lock);
  if (found == HOST_TO_DEVICE) {
    count.copiesToDevice++;
    count.bytesToDevice += (long)bytes;
    if (bytes > 4096 && pthread_equal(pthread_self(), javaScript)) count.mainThreadUploads++;
  } else if (found == DEVICE_TO_HOST) {
    count.copiesToHost++;
    count.bytesToHost += (long)bytes;
  } else if (found == DEVICE_TO_DEVICE) {
    count.copiesOnDevice++;
    count.bytesOnDevice += (long)bytes;
  }
  pthread_mutex_unlock(&lock);
  return SUCCESS;
}

Status cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) {
  if (bytes == 0) return SUCCESS;
  Status status = note(to, from, bytes, kind);
  if (status == SUCCESS) memmove(to, from, bytes);
  return status;
}

Status cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  count.synchronizations++;
  return cudaMemcpyAsync(to, from, bytes, kind, NULL);
}

Status cudaMemcpy2DAsync(char *to, size_t toPitch, const char *from, size_t fromPitch, size_t width, size_t rows, int kind, void *stream) {
  Status status = note(to, from, width * rows, kind);
  for (size_t row = 0; status == SUCCESS && row < rows; row++) memmove(to + row * toPitch, from + row * fromPitch, width);
  return status;
}

Status cudaMemset(void *to, int value, size_t bytes) {
  memset(to, value, bytes);
  return SUCCESS;
}
Status cudaMemsetAsync(void *to, int value, size_t bytes, void *stream) { return cudaMemset(to, value, bytes); }

// Streams, events and other handles

static Status handle(void **made) {
  *made = calloc(1, 64);
  return SUCCESS;
}

Status cudaStreamCreate(void **stream) { return handle(stream); }
Status cudaStreamCreateWithFlags(void **stream, unsigned flags) { return handle(stream); }
Status cudaEventCreate(void **event) { return handle(event); }
Status cudaEventCreateWithFlags(void **event, unsigned flags) { return handle(event); }
Status cudaMemPoolCreate(void **pool, const void *properties) { return handle(pool); }
Status cudaLibraryLoadData(void **library) { return handle(library); }
Status cudaLibraryGetKernel(void **kernel) { return handle(kernel); }
Status __cudaGetKernel(void **kernel, void *function) {
  *kernel = function;
  return SUCCESS;
}
void **__cudaRegisterFatBinary(void *binary) { return calloc(1, 64); }

// Work that another library does as a part of a stream, from the call of the one function to that of the other. It is counted
// in the handle of the stream.
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;

void rigHold(int *stream) {
  pthread_mutex_lock(&lock);
  ++*stream;
  pthread_mutex_unlock(&lock);
}

void rigRelease(int *stream) {
  pthread_mutex_lock(&lock);
  --*stream;
  pthread_cond_broadcast(&released);
  pthread_mutex_unlock(&lock);
}

Status cudaStreamSynchronize(int *stream) {
  pthread_mutex_lock(&lock);
  count.synchronizations++;
  // The first addresses stand for streams that CUDA has by itself.
  while ((uintptr_t)stream > 2 && *stream > 0) pthread_cond_wait(&released, &lock);
  pthread_mutex_unlock(&lock);
  return SUCCESS;
}
Status cudaDeviceSynchronize(void) { return cudaStreamSynchronize(NULL); }
Status cudaEventSynchronize(void *event) { return cudaStreamSynchronize(NULL); }
Status cudaStreamIsCapturing(void *stream, int *state) {
  *state = 0;
  return SUCCESS;
}

// A function on the host that a stream calls in its turn.
Status cudaLaunchHostFunc(void *stream, void (*function)(void *), void *data) {
  function(data);
  return SUCCESS;
}

// Kernels

static Status launch(void) {
  __atomic_fetch_add(&count.launches, 1, __ATOMIC_RELAXED);
  return SUCCESS;
}
Status cudaLaunchKernel(void) { return launch(); }
Status __cudaLaunchKernel(void) { return launch(); }
Status cudaLaunchKernelExC(void) { return launch(); }
Status cudaLaunchCooperativeKernel(void) { return launch(); }
Status cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks) {
  *blocks = 2;
  return SUCCESS;
}

typedef struct {
  size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
  int maxThreadsPerBlock, numRegs;
} FunctionFigures;
Status cudaFuncGetAttributes(FunctionFigures *figures, const void *function) {
  memset(figures, 0, sizeof *figures);
  figures->maxThreadsPerBlock = 1024;
  figures->numRegs = 32;
  return SUCCESS;
}

// Errors

Status cudaGetLastError(void) {
  Status status = lastError;
  lastError = SUCCESS;
  return status;
}
Status cudaPeekAtLastError(void) { return lastError; }

const char *cudaGetErrorName(Status status) { return status == SUCCESS ? "cudaSuccess" : "cudaErrorOfTheRig"; }

const char *cudaGetErrorString(Status status) {
  switch (status) {
    case SUCCESS: return "no error";
    case INVALID_VALUE: return "invalid argument";
    case OUT_OF_MEMORY: return "out of memory";
    case OLD_DRIVER: return "CUDA driver version is insufficient for CUDA runtime version";
    case NO_DEVICE: return "no CUDA-capable device is detected";
    case INVALID_DEVICE: return "invalid device ordinal";
    default: return "an error of the rig";
  }
}
