// The kernels of instance_norm_cuda.h: two launches forward, two for the gradient, each one pass.
//
// A block takes some positions of one sample and up to 32 * V neighbouring channels: `lanes`
// threads side by side on the channels, V = 4 of them each where C allows, `rows` threads deep.
// The last block to finish a sample's channels reduces what all blocks have left in scratch.

#include "instance_norm_cuda_block.h"

namespace resnet_in {
namespace {

// Mean and variance. Deviations are taken from the block's first value, so that nothing cancels
// where the mean is far larger than the spread; as that value belongs to the block, sums of squares
// exceed what is left of them by at most the number of positions of a block.
template <int V>
__global__ void __launch_bounds__(kThreads)
    Statistics(Plan plan, const float* x, float epsilon, float* statistics, void* scratch) {
  const Place<V> place(plan);
  const int64_t channels = plan.sizes.channels;
  Values<V> sum = {}, squares = {};
  if (place.inside) {
    const Values<V> origin = Load<V>(x + place.first + place.begin * channels + place.channel);
#pragma unroll 4
    for (int64_t at = place.from; at < place.to; at += place.step) {
      const Values<V> value = Load<V>(x + at);
      for (int k = 0; k < V; ++k) {
        const float d = value.v[k] - origin.v[k];
        sum.v[k] += d;
        squares.v[k] += d * d;
      }
    }
  }
  float s, q;
  SumRows<V>(plan, sum, squares, &s, &q);
  // A block leaves its mean, less the sample's first value, and its squared deviations.
  float* partials = plan.Partials(scratch) + place.sample * plan.blocks * 2 * channels;
  const int64_t own = place.group * plan.width + threadIdx.x;
  if (threadIdx.x < plan.width && own < channels) {
    const float count = place.end - place.begin;
    const float* first = x + place.first + own;
    partials[place.block * 2 * channels + own] =
        (first[place.begin * channels] - first[0]) + s / count;
    partials[(place.block * 2 + 1) * channels + own] = q - s * (s / count);
  }
  int* counters = static_cast<int*>(scratch);
  if (!IsLast(counters + place.sample * plan.groups + place.group, plan.blocks)) return;

  const int64_t c = place.group * plan.width + threadIdx.x % plan.width;
  const int stripe = threadIdx.x / plan.width, stripes = kThreads / plan.width;
  const float per_block = plan.rows * kPositions, all = plan.sizes.positions;
  const float in_last = plan.sizes.positions - (plan.blocks - 1) * plan.rows * kPositions;
  float part = 0;
  for (int64_t b = stripe; b < plan.blocks && c < channels; b += stripes) {
    part += __ldcg(partials + b * 2 * channels + c) * (b + 1 < plan.blocks ? per_block : in_last);
  }
  const float mean = SumStripes(plan, part) / all;
  part = 0;
  for (int64_t b = stripe; b < plan.blocks && c < channels; b += stripes) {
    const float d = __ldcg(partials + b * 2 * channels + c) - mean;
    part += __ldcg(partials + (b * 2 + 1) * channels + c) +
            d * d * (b + 1 < plan.blocks ? per_block : in_last);
  }
  const float variance = SumStripes(plan, part) / all;
  if (stripe == 0 && c < channels) {
    float* row = statistics + place.sample * kStatistics * channels + c;
    const float first = x[place.first + c], whole = first + mean;
    row[kMean * channels] = whole;
    // What rounding took from the sum (Knuth's two-sum).
    const float back = whole - first;
    row[kMeanRest * channels] = (first - (whole - back)) + (mean - back);
    row[kInverseDeviation * channels] = 1.0f / sqrtf(variance + epsilon);
  }
}

// y = d * scale + shift with d = x - mean, for V channels of one sample.
template <int V>
struct Affine {
  __device__ Affine(const Plan& plan, int64_t sample, int64_t channel, const float* statistics,
                    const float* gamma, const float* beta) {
    const int64_t channels = plan.sizes.channels;
    const float* row = statistics + sample * kStatistics * channels + channel;
    mean = Load<V>(row);
    scale = Load<V>(row + kInverseDeviation * channels);
    shift = Load<V>(row + kMeanRest * channels);
    const Values<V> g = Load<V>(gamma + sample * plan.sizes.gamma_stride + channel);
    const Values<V> b = Load<V>(beta + sample * plan.sizes.beta_stride + channel);
    for (int k = 0; k < V; ++k) {
      scale.v[k] *= g.v[k];
      shift.v[k] = b.v[k] - shift.v[k] * scale.v[k];
    }
  }
  Values<V> mean, scale, shift;
};

template <int V, bool relu>
__global__ void __launch_bounds__(kThreads)
    Normalize(Plan plan, const float* x, const float* gamma, const float* beta,
              const float* statistics, float* y) {
  const Place<V> place(plan);
  if (!place.inside) return;
  const Affine<V> affine(plan, place.sample, place.channel, statistics, gamma, beta);
#pragma unroll 4
  for (int64_t at = place.from; at < place.to; at += place.step) {
    Values<V> value = Load<V>(x + at);
    for (int k = 0; k < V; ++k) {
      value.v[k] = fmaf(value.v[k] - affine.mean.v[k], affine.scale.v[k], affine.shift.v[k]);
      if (relu) value.v[k] = value.v[k] < 0 ? 0 : value.v[k];  // written so that NaN stays NaN
    }
    Store<V>(value, y + at);
  }
}

// dgamma, dbeta, and the slope and offset of dx. With xhat = (x - mean) / sigma and M positions:
// dx = gamma / sigma * (g - sum(g) / M - xhat * sum(g * xhat) / M)
template <int V, bool relu>
__global__ void __launch_bounds__(kThreads)
    GradientSums(Plan plan, const float* dy, const float* x, const float* gamma, const float* beta,
                 const float* statistics, float* dgamma, float* dbeta, void* scratch) {
  const Place<V> place(plan);
  const int64_t channels = plan.sizes.channels;
  Values<V> sum = {}, product = {};
  if (place.inside) {
    const Affine<V> affine(plan, place.sample, place.channel, statistics, gamma, beta);
#pragma unroll 4
    for (int64_t at = place.from; at < place.to; at += place.step) {
      const Values<V> value = Load<V>(x + at), gradient = Load<V>(dy + at);
      for (int k = 0; k < V; ++k) {
        const float d = value.v[k] - affine.mean.v[k];
        const bool open = !relu || fmaf(d, affine.scale.v[k], affine.shift.v[k]) > 0;
        const float g = open ? gradient.v[k] : 0;
        sum.v[k] += g;
        product.v[k] += g * d;
      }
    }
  }
  float s, p;
  SumRows<V>(plan, sum, product, &s, &p);
  float* partials = plan.Partials(scratch) + place.sample * plan.blocks * 2 * channels;
  const int64_t own = place.group * plan.width + threadIdx.x;
  if (threadIdx.x < plan.width && own < channels) {
    partials[place.block * 2 * channels + own] = s;
    partials[(place.block * 2 + 1) * channels + own] = p;
  }
  int* counters = static_cast<int*>(scratch);
  if (!IsLast(counters + place.sample * plan.groups + place.group, plan.blocks)) return;

  const int64_t c = place.group * plan.width + threadIdx.x % plan.width;
  const int stripe = threadIdx.x / plan.width, stripes = kThreads / plan.width;
  float part_s = 0, part_p = 0;
  for (int64_t b = stripe; b < plan.blocks && c < channels; b += stripes) {
    part_s += __ldcg(partials + b * 2 * channels + c);
    part_p += __ldcg(partials + (b * 2 + 1) * channels + c);
  }
  s = SumStripes(plan, part_s);
  p = SumStripes(plan, part_p);
  float* totals = plan.Totals(scratch);
  const bool writes = stripe == 0 && c < channels;
  if (writes) {
    const float* row = statistics + place.sample * kStatistics * channels + c;
    const float rest = row[kMeanRest * channels], inverse = row[kInverseDeviation * channels];
    const float scale = gamma[place.sample * plan.sizes.gamma_stride + c] * inverse;
    const float gamma_sum = (p - rest * s) * inverse;
    const float slope = -scale * inverse * gamma_sum / plan.sizes.positions;
    float* constants = plan.Constants(scratch) + place.sample * 2 * channels + c;
    constants[0] = slope;
    constants[channels] = -scale * s / plan.sizes.positions - slope * rest;
    totals[place.sample * 2 * channels + c] = s;
    totals[(place.sample * 2 + 1) * channels + c] = gamma_sum;
    if (plan.sizes.gamma_stride) dgamma[place.sample * channels + c] = gamma_sum;
    if (plan.sizes.beta_stride) dbeta[place.sample * channels + c] = s;
  }
  // Where samples share gamma or beta, the last sample to finish adds them up, always in one order.
  counters += plan.sizes.samples * plan.groups;
  if (!IsLast(counters + place.group, plan.sizes.samples) || !writes) return;
  float all_s = 0, all_gamma = 0;
  for (int64_t n = 0; n < plan.sizes.samples; ++n) {
    all_s += __ldcg(totals + n * 2 * channels + c);
    all_gamma += __ldcg(totals + (n * 2 + 1) * channels + c);
  }
  if (!plan.sizes.gamma_stride) dgamma[c] = all_gamma;
  if (!plan.sizes.beta_stride) dbeta[c] = all_s;
}

template <int V, bool relu>
__global__ void __launch_bounds__(kThreads)
    Gradient(Plan plan, const float* dy, const float* x, const float* gamma, const float* beta,
             const float* statistics, float* dx, void* scratch) {
  const Place<V> place(plan);
  if (!place.inside) return;
  const Affine<V> affine(plan, place.sample, place.channel, statistics, gamma, beta);
  const float* constants =
      plan.Constants(scratch) + place.sample * 2 * plan.sizes.channels + place.channel;
  const Values<V> slope = Load<V>(constants), offset = Load<V>(constants + plan.sizes.channels);
#pragma unroll 4
  for (int64_t at = place.from; at < place.to; at += place.step) {
    const Values<V> value = Load<V>(x + at);
    Values<V> gradient = Load<V>(dy + at);
    for (int k = 0; k < V; ++k) {
      const float d = value.v[k] - affine.mean.v[k];
      const bool open = !relu || fmaf(d, affine.scale.v[k], affine.shift.v[k]) > 0;
      gradient.v[k] = fmaf(open ? gradient.v[k] : 0, affine.scale.v[k],
                           fmaf(d, slope.v[k], offset.v[k]));
    }
    Store<V>(gradient, dx + at);
  }
}

template <int V, bool relu>
void Forward(const Plan& plan, const float* x, const float* gamma, const float* beta, float epsilon,
             float* y, float* statistics, void* scratch, cudaStream_t stream) {
  const unsigned grid = plan.Grid();
  Statistics<V><<<grid, kThreads, 0, stream>>>(plan, x, epsilon, statistics, scratch);
  Normalize<V, relu><<<grid, kThreads, 0, stream>>>(plan, x, gamma, beta, statistics, y);
}

template <int V, bool relu>
void Backward(const Plan& plan, const float* dy, const float* x, const float* gamma,
              const float* beta, const float* statistics, float* dx, float* dgamma, float* dbeta,
              void* scratch, cudaStream_t stream) {
  const unsigned grid = plan.Grid();
  GradientSums<V, relu><<<grid, kThreads, 0, stream>>>(plan, dy, x, gamma, beta, statistics, dgamma,
                                                       dbeta, scratch);
  Gradient<V, relu><<<grid, kThreads, 0, stream>>>(plan, dy, x, gamma, beta, statistics, dx,
                                                   scratch);
}

int Start(const Plan& plan, void* scratch, cudaStream_t stream) {
  if (plan.Grid() > 0x7fffffff) return cudaErrorInvalidConfiguration;
  return cudaMemsetAsync(scratch, 0, plan.Counters() * sizeof(int), stream);
}

}  // namespace
}  // namespace resnet_in

using namespace resnet_in;  // for the launchers below

extern "C" int64_t resnet_in_cuda_scratch_bytes(const ResnetInSizes* sizes) {
  const Plan plan = MakePlan(*sizes);
  return 4 * (plan.Counters() + plan.Elements() * (2 * plan.blocks + 4));
}

extern "C" int resnet_in_cuda_forward(const ResnetInSizes* sizes, const float* x,
                                      const float* gamma, const float* beta, float epsilon,
                                      int relu, float* y, float* statistics, void* scratch,
                                      void* stream) {
  const Plan plan = MakePlan(*sizes);
  cudaStream_t s = static_cast<cudaStream_t>(stream);
  if (plan.Grid() == 0) {  // nothing to normalize
    return cudaMemsetAsync(statistics, 0, kStatistics * plan.Elements() * sizeof(float), s);
  }
  const int error = Start(plan, scratch, s);
  if (error) return error;
  const auto run = plan.width == plan.lanes ? (relu ? Forward<1, true> : Forward<1, false>)
                                            : (relu ? Forward<4, true> : Forward<4, false>);
  run(plan, x, gamma, beta, epsilon, y, statistics, scratch, s);
  return cudaGetLastError();
}

extern "C" int resnet_in_cuda_gradient(const ResnetInSizes* sizes, const float* dy, const float* x,
                                       const float* gamma, const float* beta,
                                       const float* statistics, int relu, float* dx, float* dgamma,
                                       float* dbeta, void* scratch, void* stream) {
  const Plan plan = MakePlan(*sizes);
  cudaStream_t s = static_cast<cudaStream_t>(stream);
  if (plan.Grid() == 0) {  // no positions: dgamma and dbeta are zero
    const int64_t gammas = sizes->gamma_stride ? plan.Elements() : sizes->channels;
    const int64_t betas = sizes->beta_stride ? plan.Elements() : sizes->channels;
    const int error = cudaMemsetAsync(dgamma, 0, gammas * sizeof(float), s);
    return error ? error : cudaMemsetAsync(dbeta, 0, betas * sizeof(float), s);
  }
  const int error = Start(plan, scratch, s);
  if (error) return error;
  const auto run = plan.width == plan.lanes ? (relu ? Backward<1, true> : Backward<1, false>)
                                            : (relu ? Backward<4, true> : Backward<4, false>);
  run(plan, dy, x, gamma, beta, statistics, dx, dgamma, dbeta, scratch, s);
  return cudaGetLastError();
}

extern "C" const char* resnet_in_cuda_error(int error) {
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}
