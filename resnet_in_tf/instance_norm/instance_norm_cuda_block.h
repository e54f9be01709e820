// What the kernels of instance_norm_cuda.cu are made of: how a tensor is cut into blocks, vector
// loads and stores, and sums over the rows of a block and over blocks.

#ifndef RESNET_IN_TF_INSTANCE_NORM_CUDA_BLOCK_H_
#define RESNET_IN_TF_INSTANCE_NORM_CUDA_BLOCK_H_

#include <cuda_runtime.h>

#include "instance_norm_cuda.h"

namespace resnet_in {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kPositions = 64;  // of one thread
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kWidest = 128;  // channels of a block

enum { kMean, kMeanRest, kInverseDeviation, kStatistics };

// How a tensor is cut into blocks, and where things lie in scratch.
struct Plan {
  ResnetInSizes sizes;
  int lanes, rows, width;  // width = lanes * V channels
  int64_t groups, blocks;  // of channels in a sample; of positions in a sample

  __host__ __device__ int64_t Elements() const { return sizes.samples * sizes.channels; }
  __host__ __device__ int64_t Grid() const { return sizes.samples * groups * blocks; }
  // One for each group of each sample, one for each group; a multiple of 4 keeps float4 aligned.
  __host__ __device__ int64_t Counters() const {
    return ((sizes.samples + 1) * groups + 3) / 4 * 4;
  }
  // float [N, blocks, 2, C]: what each block found.
  __device__ float* Partials(void* scratch) const {
    return reinterpret_cast<float*>(static_cast<int*>(scratch) + Counters());
  }
  // float [N, 2, C]: sum of g, and dgamma, of each sample.
  __device__ float* Totals(void* scratch) const {
    return Partials(scratch) + 2 * Elements() * blocks;
  }
  // float [N, 2, C]: slope and offset of dx.
  __device__ float* Constants(void* scratch) const { return Totals(scratch) + 2 * Elements(); }
};

inline Plan MakePlan(const ResnetInSizes& sizes) {
  const int v = sizes.channels % 4 == 0 ? 4 : 1;
  Plan plan;
  plan.sizes = sizes;
  plan.lanes = 1;
  while (plan.lanes < 32 && plan.lanes * v < sizes.channels) plan.lanes *= 2;
  plan.rows = kThreads / plan.lanes;
  plan.width = plan.lanes * v;
  plan.groups = (sizes.channels + plan.width - 1) / plan.width;
  plan.blocks = (sizes.positions + plan.rows * kPositions - 1) / (plan.rows * kPositions);
  return plan;
}

// Where this thread works.
template <int V>
struct Place {
  __device__ explicit Place(const Plan& plan) {
    const int64_t index = blockIdx.x;
    group = index % plan.groups;
    block = index / plan.groups % plan.blocks;
    sample = index / plan.groups / plan.blocks;
    const int lane = threadIdx.x % plan.lanes, row = threadIdx.x / plan.lanes;
    channel = group * plan.width + lane * V;
    inside = channel < plan.sizes.channels;
    begin = block * plan.rows * kPositions;
    end = min(begin + int64_t(plan.rows) * kPositions, plan.sizes.positions);
    first = sample * plan.sizes.positions * plan.sizes.channels;
    step = plan.rows * plan.sizes.channels;
    from = first + (begin + row) * plan.sizes.channels + channel;
    to = first + end * plan.sizes.channels;
  }

  int64_t group, block, sample, channel, begin, end;
  int64_t first;           // index of the sample's first element
  int64_t from, to, step;  // indices of this thread's elements
  bool inside;
};

template <int V>
struct Values {
  float v[V];
};

template <int V>
__device__ __forceinline__ Values<V> Load(const float* p) {
  Values<V> values;
  if (V == 4) {
    const float4 f = *reinterpret_cast<const float4*>(p);
    values.v[0] = f.x, values.v[1 % V] = f.y, values.v[2 % V] = f.z, values.v[3 % V] = f.w;
  } else {
    values.v[0] = *p;
  }
  return values;
}

template <int V>
__device__ __forceinline__ void Store(const Values<V>& values, float* p) {
  if (V == 4) {
    *reinterpret_cast<float4*>(p) =
        make_float4(values.v[0], values.v[1 % V], values.v[2 % V], values.v[3 % V]);
  } else {
    *p = values.v[0];
  }
}

// Adds up two sums per channel over the rows of the block: by shuffles within a warp, then through
// shared memory. Thread t < width gets the sums of the block's channel t.
template <int V>
__device__ void SumRows(const Plan& plan, Values<V> a, Values<V> b, float* sum_a, float* sum_b) {
  __shared__ float shared[2][kWarps][kWidest];
  for (int offset = plan.lanes; offset < 32; offset *= 2) {
    for (int k = 0; k < V; ++k) {
      a.v[k] += __shfl_down_sync(kAllLanes, a.v[k], offset);
      b.v[k] += __shfl_down_sync(kAllLanes, b.v[k], offset);
    }
  }
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (lane < plan.lanes) {
    for (int k = 0; k < V; ++k) {
      shared[0][warp][lane * V + k] = a.v[k];
      shared[1][warp][lane * V + k] = b.v[k];
    }
  }
  __syncthreads();
  *sum_a = *sum_b = 0;
  if (threadIdx.x < plan.width) {
    for (int each = 0; each < kWarps; ++each) {
      *sum_a += shared[0][each][threadIdx.x];
      *sum_b += shared[1][each][threadIdx.x];
    }
  }
}

// Whether this block is the last of `count` to come here; it then sees what the others wrote.
__device__ inline bool IsLast(int* counter, int64_t count) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(counter, 1) == count - 1;
  __syncthreads();
  __threadfence();
  return last;
}

// The sum of `value` over all threads of the same channel, thread % width; to all of them.
__device__ inline float SumStripes(const Plan& plan, float value) {
  __shared__ float shared[kThreads];
  __syncthreads();
  shared[threadIdx.x] = value;
  __syncthreads();
  float sum = 0;
  for (int t = threadIdx.x % plan.width; t < kThreads; t += plan.width) sum += shared[t];
  return sum;
}

}  // namespace resnet_in

#endif  // RESNET_IN_TF_INSTANCE_NORM_CUDA_BLOCK_H_
