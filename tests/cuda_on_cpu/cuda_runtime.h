// Stands for CUDA's header where there is no device: kernels run on the CPU, one block after
// another, its threads as fibers that run one after another from one synchronization to the next.
// What they do there is an error where CUDA would not define it: some at a barrier, others past it.
// Memory starts as NaN. Thread and block order can be turned around, which shows missing barriers.

#ifndef RESNET_IN_TF_TESTS_CUDA_RUNTIME_H_
#define RESNET_IN_TF_TESTS_CUDA_RUNTIME_H_

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __shared__ static  // blocks run one after another

using std::min;

typedef void* cudaStream_t;
enum cudaError_t { cudaSuccess, cudaErrorInvalidConfiguration = 9, cudaErrorLaunchFailure = 719 };

struct float4 {
  float x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

struct Index {
  unsigned x;
};
static Index threadIdx, blockIdx;

namespace on_cpu {

enum State { kReady, kAtBarrier, kAtShuffle, kAfterShuffle, kEnded };

struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  State state;
};

static ucontext_t scheduler;
static std::vector<Fiber> fibers;
static std::vector<float> exchanged;
static std::function<void()> kernel;
static cudaError_t last_error = cudaSuccess;
static bool backwards = false;

inline void Body() {
  kernel();
  fibers[threadIdx.x].state = kEnded;
}

// Lets the other threads of the block come to the same point.
inline void Wait(State state) {
  Fiber& fiber = fibers[threadIdx.x];
  fiber.state = state;
  swapcontext(&fiber.context, &scheduler);
}

inline unsigned InOrder(unsigned index, unsigned count) {
  return backwards ? count - 1 - index : index;
}

// Runs the threads of a block; false where not all of them come to the same points.
inline bool RunBlock(unsigned threads) {
  for (Fiber& fiber : fibers) {
    fiber.state = kReady;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, Body, 0);
  }
  do {
    for (unsigned t = 0; t < threads; ++t) {
      threadIdx.x = InOrder(t, threads);
      swapcontext(&scheduler, &fibers[threadIdx.x].context);
    }
    for (const Fiber& fiber : fibers) {
      if (fiber.state != fibers[0].state) return false;
    }
  } while (fibers[0].state != kEnded);
  return true;
}

// What <<<blocks, threads, 0, stream>>> does.
inline void Launch(unsigned blocks, unsigned threads, std::function<void()> body) {
  kernel = body;
  exchanged.resize(threads);
  fibers.resize(threads);
  for (Fiber& fiber : fibers) fiber.stack.resize(1 << 16);
  for (unsigned b = 0; b < blocks && last_error == cudaSuccess; ++b) {
    blockIdx.x = InOrder(b, blocks);
    if (!RunBlock(threads)) last_error = cudaErrorLaunchFailure;
  }
}

}  // namespace on_cpu

inline void __syncthreads() { on_cpu::Wait(on_cpu::kAtBarrier); }
inline void __threadfence() {}

inline float __shfl_down_sync(unsigned, float value, int offset) {
  const unsigned thread = threadIdx.x;
  on_cpu::exchanged[thread] = value;
  on_cpu::Wait(on_cpu::kAtShuffle);
  if (thread % 32 + offset < 32) value = on_cpu::exchanged[thread + offset];
  on_cpu::Wait(on_cpu::kAfterShuffle);
  return value;
}

inline float __ldcg(const float* p) { return *p; }

inline int atomicAdd(int* p, int value) {
  *p += value;
  return *p - value;
}

inline cudaError_t cudaMemsetAsync(void* p, int value, size_t size, cudaStream_t) {
  memset(p, value, size);
  return cudaSuccess;
}

inline cudaError_t cudaGetLastError() {
  const cudaError_t error = on_cpu::last_error;
  on_cpu::last_error = cudaSuccess;
  return error;
}

inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorLaunchFailure ? "threads of a block parted at a barrier" : "error";
}

extern "C" {

void turn_around(int backwards) { on_cpu::backwards = backwards; }

int cudaMalloc(void** p, size_t size) {
  if (posix_memalign(p, 256, size + 1)) return 2;
  memset(*p, 0xff, size);
  return 0;
}

int cudaFree(void* p) {
  free(p);
  return 0;
}

int cudaMemcpy(void* to, const void* from, size_t size, int) {
  memcpy(to, from, size);
  return 0;
}

int cudaMemcpyAsync(void* to, const void* from, size_t size, int kind, cudaStream_t) {
  return cudaMemcpy(to, from, size, kind);
}

// An event is the time at which it was recorded, for everything is over when its call returns.
typedef std::chrono::steady_clock::time_point Event;

int cudaEventCreate(Event** event) {
  *event = new Event;
  return 0;
}

int cudaEventRecord(Event* event, cudaStream_t) {
  *event = std::chrono::steady_clock::now();
  return 0;
}

int cudaEventSynchronize(Event*) { return 0; }

int cudaEventElapsedTime(float* milliseconds, const Event* start, const Event* end) {
  *milliseconds = std::chrono::duration<float, std::milli>(*end - *start).count();
  return 0;
}

int cudaEventDestroy(Event* event) {
  delete event;
  return 0;
}

}  // extern "C"

#endif  // RESNET_IN_TF_TESTS_CUDA_RUNTIME_H_
