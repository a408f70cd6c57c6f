// Stand-in for NCCL, for processes of one machine. What lies in the memory of their devices is summed and sent through memory
// that the processes share: sums, waiting, errors and the bytes that a rank gets from others are real, speed is not.
// A call returns at once and a thread does its work, as the stream's next work; calls report `IN_PROGRESS` until it has begun.
//
// RIG_NCCL_VERSION is the version (22809), RIG_NCCL_FAIL the number of the group of calls, from 1, that fails on this rank.
// rigTraffic() reads what was sent.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int Result;
enum { SUCCESS = 0, SYSTEM_ERROR = 2, INVALID_ARGUMENT = 4, INVALID_USAGE = 5, IN_PROGRESS = 7 };
enum { FLOAT32 = 7, SUM = 0 };
typedef enum { ALL_REDUCE, REDUCE_SCATTER, REDUCE, ALL_GATHER, BROADCAST, KINDS } Kind;

// The part of the CUDA runtime's stand-in that this needs: streams on which somebody else works, and addresses.
void rigHold(void *stream);
void rigRelease(void *stream);
int rigIsOnDevice(const void *pointer);

static long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text != NULL && *text != 0 ? atol(text) : otherwise;
}

// Bytes that this rank got from others, by kind of call.
static _Atomic long traffic[KINDS];

// Bytes that calls of a kind have brought from other ranks, or -1 for an unknown name.
long rigTraffic(const char *kind) {
  static const char *const names[] = {"allReduce", "reduceScatter", "reduce", "allGather", "broadcast"};
  for (int i = 0; i < KINDS; i++) if (strcmp(kind, names[i]) == 0) return traffic[i];
  return -1;
}

// Communicators

enum { RANKS = 16, SLOT = 1 << 16 };

// Memory of all ranks: each writes to its own slot.
typedef struct {
  atomic_int arrived, round;
  float slots[RANKS][SLOT];
} Shared;

typedef struct Call {
  Kind kind;
  const float *from;
  float *to;
  size_t count;
  int root;
  void *stream;
  struct Call *next;
} Call;

// Calls that were made together.
typedef struct Group {
  Call *calls;
  void *stream;
  struct Group *next;
} Group;

typedef struct { char name[128]; } Id;

typedef struct {
  size_t size;
  unsigned magic, version;
  int blocking;
} Config;

typedef struct Communicator {
  Id id;
  int rank, ranks;
  Shared *shared;
  atomic_int state, isAborted;
  struct Communicator **made;
  pthread_t worker;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  Group *waiting;
  int isClosing;
  long groups;
} Communicator;

// Waits until all ranks are here; 0 once the communicator was aborted.
static int meet(Communicator *own) {
  Shared *shared = own->shared;
  int round = atomic_load(&shared->round);
  if (atomic_fetch_add(&shared->arrived, 1) + 1 == own->ranks) {
    atomic_store(&shared->arrived, 0);
    atomic_fetch_add(&shared->round, 1);
    return 1;
  }
  while (atomic_load(&shared->round) == round) {
    if (own->isAborted) return 0;
    nanosleep(&(struct timespec){0, 20000}, NULL);
  }
  return 1;
}

// Adds up, in the order of the ranks, what all have put at a place of their slots.
static void sum(Communicator *own, Kind kind, size_t start, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float total = own->shared->slots[0][start + i];
    for (int rank = 1; rank < own->ranks; rank++) total += own->shared->slots[rank][start + i];
    to[i] = total;
  }
  traffic[kind] += (long)(count * sizeof(float)) * (own->ranks - 1);
}

static void take(Communicator *own, Kind kind, int rank, size_t start, float *to, size_t count) {
  memcpy(to, own->shared->slots[rank] + start, count * sizeof(float));
  if (rank != own->rank) traffic[kind] += (long)(count * sizeof(float));
}

// A part of the values of a call, at a place of every slot. Of a sum that is dealt out it is the same part for each rank.
typedef struct {
  const Call *call;
  size_t at, count, place;
} Block;

static void publish(Communicator *own, const Block *block) {
  const Call *call = block->call;
  float *slot = own->shared->slots[own->rank] + block->place;
  const size_t bytes = block->count * sizeof(float);
  if (call->kind == REDUCE_SCATTER) {
    for (int to = 0; to < own->ranks; to++) memcpy(slot + to * block->count, call->from + to * call->count + block->at, bytes);
  } else if (call->kind != BROADCAST || own->rank == call->root) {
    memcpy(slot, call->from + block->at, bytes);
  }
}

// Where the part of a block begins that a rank adds up for all.
static size_t part(const Communicator *own, const Block *block, int rank) { return block->count * rank / own->ranks; }

static void combine(Communicator *own, const Block *block) {
  const Call *call = block->call;
  const Kind kind = call->kind;
  const size_t count = block->count, place = block->place, begin = part(own, block, own->rank);
  float *to = call->to + block->at;
  if (kind == ALL_REDUCE) {
    // Nobody else reads this part of the own slot before the next meeting.
    float *slot = own->shared->slots[own->rank] + place;
    sum(own, kind, place + begin, slot + begin, part(own, block, own->rank + 1) - begin);
  } else if (kind == REDUCE_SCATTER) {
    sum(own, kind, place + own->rank * count, to, count);
  } else if (kind == REDUCE) {
    if (own->rank == call->root) sum(own, kind, place, to, count);
  } else if (kind == BROADCAST) {
    if (own->rank != call->root) take(own, kind, call->root, place, to, count);
  } else {
    for (int from = 0; from < own->ranks; from++) take(own, kind, from, place, to + from * call->count, count);
  }
}

static void spread(Communicator *own, const Block *block) {
  if (block->call->kind != ALL_REDUCE) return;
  for (int from = 0; from < own->ranks; from++) {
    const size_t begin = part(own, block, from), end = part(own, block, from + 1);
    take(own, ALL_REDUCE, from, block->place + begin, block->call->to + block->at + begin, end - begin);
  }
}

// Does calls that were made together, as much at a time as fits into a slot, until it is done or was aborted.
static void run(Communicator *own, const Call *call) {
  enum { BLOCKS = 256 };
  Block blocks[BLOCKS];
  for (size_t at = 0; call != NULL;) {
    int number = 0;
    for (size_t used = 0; call != NULL && number < BLOCKS; number++) {
      const size_t width = call->kind == REDUCE_SCATTER ? own->ranks : 1, room = (SLOT - used) / width;
      const size_t count = call->count - at < room ? call->count - at : room;
      if (count == 0) break;
      blocks[number] = (Block){call, at, count, used};
      used += count * width;
      at += count;
      if (at == call->count) {
        call = call->next;
        at = 0;
      }
    }
    static void (*const steps[])(Communicator *, const Block *) = {publish, combine, spread};
    for (int step = 0; step < 3; step++) {
      for (int i = 0; i < number; i++) steps[step](own, &blocks[i]);
      if (!meet(own)) return;
    }
  }
}

// Maps the memory that all ranks of an id share. Its name goes as soon as all have it.
static Result join(Communicator *own) {
  int file = shm_open(own->id.name, O_CREAT | O_RDWR, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared)) != 0) return SYSTEM_ERROR;
  own->shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (own->shared == MAP_FAILED) return SYSTEM_ERROR;
  int isThere = meet(own);
  if (own->rank == 0 || !isThere) shm_unlink(own->id.name);
  return SUCCESS;
}

// A group that fails, or waits for a rank that is gone, holds its stream until the communicator is aborted.
static void untilAborted(Communicator *own) {
  while (!own->isAborted) nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void finish(Group *group) {
  rigRelease(group->stream);
  for (Call *call = group->calls, *next; call != NULL; call = next) {
    next = call->next;
    free(call);
  }
  free(group);
}

static Group *next(Communicator *own) {
  pthread_mutex_lock(&own->lock);
  while (own->waiting == NULL && !own->isClosing) pthread_cond_wait(&own->changed, &own->lock);
  Group *group = own->waiting;
  if (group != NULL) own->waiting = group->next;
  pthread_mutex_unlock(&own->lock);
  return group;
}

static void *work(void *argument) {
  Communicator *own = argument;
  const Result joined = join(own);
  // The library writes the caller's variable once more when it has connected.
  *own->made = own;
  own->state = joined;
  const long failing = setting("RIG_NCCL_FAIL", 0);
  for (Group *group; (group = next(own)) != NULL; finish(group)) {
    const int fails = ++own->groups == failing;
    own->state = fails ? SYSTEM_ERROR : SUCCESS;
    if (fails) untilAborted(own);
    if (!own->isAborted) run(own, group->calls);
  }
  return NULL;
}

Result ncclGetVersion(int *version) {
  *version = (int)setting("RIG_NCCL_VERSION", 22809);
  return SUCCESS;
}

Result ncclGetUniqueId(Id *id) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(id->name, sizeof id->name, "/rig-nccl-%d-%ld%09ld", (int)getpid(), (long)now.tv_sec, now.tv_nsec);
  return SUCCESS;
}

Result ncclCommInitRankConfig(Communicator **made, int ranks, Id id, int rank, Config *config) {
  if (config == NULL || config->size < sizeof *config || config->magic != 0xcafebeef) return INVALID_ARGUMENT;
  if (config->blocking != 0 || ranks > RANKS || rank < 0 || rank >= ranks) return INVALID_USAGE;
  Communicator *own = calloc(1, sizeof *own);
  own->id = id;
  own->rank = rank;
  own->ranks = ranks;
  own->made = made;
  own->state = IN_PROGRESS;
  pthread_mutex_init(&own->lock, NULL);
  pthread_cond_init(&own->changed, NULL);
  *made = own;
  pthread_create(&own->worker, NULL, work, own);
  return IN_PROGRESS;
}

Result ncclCommGetAsyncError(Communicator *own, Result *state) {
  *state = own->state;
  return SUCCESS;
}

// Ends when what was begun has ended.
Result ncclCommDestroy(Communicator *own) {
  pthread_mutex_lock(&own->lock);
  own->isClosing = 1;
  pthread_cond_signal(&own->changed);
  pthread_mutex_unlock(&own->lock);
  pthread_join(own->worker, NULL);
  if (own->shared != NULL) munmap(own->shared, sizeof(Shared));
  free(own);
  return SUCCESS;
}

Result ncclCommAbort(Communicator *own) {
  own->isAborted = 1;
  return ncclCommDestroy(own);
}

// Calls

static _Thread_local struct {
  int depth;
  Communicator *own;
  Call *first, **last;
} pending;

Result ncclGroupStart(void) {
  if (pending.depth++ == 0) pending.last = &pending.first;
  return SUCCESS;
}

Result ncclGroupEnd(void) {
  if (--pending.depth > 0 || pending.first == NULL) return SUCCESS;
  Communicator *own = pending.own;
  Group *group = calloc(1, sizeof *group);
  group->calls = pending.first;
  group->stream = pending.first->stream;
  pending.first = NULL;
  rigHold(group->stream);
  pthread_mutex_lock(&own->lock);
  Group **end = &own->waiting;
  while (*end != NULL) end = &(*end)->next;
  *end = group;
  own->state = IN_PROGRESS;
  pthread_cond_signal(&own->changed);
  pthread_mutex_unlock(&own->lock);
  return IN_PROGRESS;
}

static Result add(Kind kind, const float *from, float *to, size_t count, int type, int root, Communicator *own, void *stream) {
  // The library refuses a call before the last one was begun.
  if (own->state != SUCCESS || type != FLOAT32 || !rigIsOnDevice(from) || !rigIsOnDevice(to)) return INVALID_ARGUMENT;
  if (count == 0) return SUCCESS;
  ncclGroupStart();
  Call *call = calloc(1, sizeof *call);
  *call = (Call){kind, from, to, count, root, stream, NULL};
  *pending.last = call;
  pending.last = &call->next;
  pending.own = own;
  return ncclGroupEnd();
}

Result ncclAllReduce(const void *from, void *to, size_t count, int type, int operation, Communicator *own, void *stream) {
  return operation == SUM ? add(ALL_REDUCE, from, to, count, type, 0, own, stream) : INVALID_ARGUMENT;
}

// `count` is that of one part.
Result ncclReduceScatter(const void *from, void *to, size_t count, int type, int operation, Communicator *own, void *stream) {
  return operation == SUM ? add(REDUCE_SCATTER, from, to, count, type, 0, own, stream) : INVALID_ARGUMENT;
}

Result ncclReduce(const void *from, void *to, size_t count, int type, int operation, int root, Communicator *own, void *stream) {
  return operation == SUM ? add(REDUCE, from, to, count, type, root, own, stream) : INVALID_ARGUMENT;
}

// `count` is that of one part.
Result ncclAllGather(const void *from, void *to, size_t count, int type, Communicator *own, void *stream) {
  return add(ALL_GATHER, from, to, count, type, 0, own, stream);
}

Result ncclBroadcast(const void *from, void *to, size_t count, int type, int root, Communicator *own, void *stream) {
  return add(BROADCAST, from, to, count, type, root, own, stream);
}

const char *ncclGetErrorString(Result result) {
  switch (result) {
    case SUCCESS: return "no error";
    case SYSTEM_ERROR: return "unhandled system error";
    case INVALID_ARGUMENT: return "invalid argument";
    case INVALID_USAGE: return "invalid usage";
    default: return "an error of the rig";
  }
}
const char *ncclGetLastError(Communicator *own) { return ""; }
