// The loops of instance_norm_cpu.h: one template over the vector type, compiled once for each set
// of instructions and chosen at run time, so that one build runs on every processor.

#include "instance_norm_cpu.h"

#include <cstring>

#define RESNET_IN_INLINE inline __attribute__((always_inline))

namespace resnet_in {
namespace {

typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));
typedef float Float16 __attribute__((vector_size(64)));

template <typename V>
constexpr int Lanes() {
  return sizeof(V) / sizeof(float);
}

template <typename V>
RESNET_IN_INLINE void Load(const float* p, V* v) {
  std::memcpy(v, p, sizeof(V));
}

template <typename V>
RESNET_IN_INLINE void Store(const V& v, float* p) {
  std::memcpy(p, &v, sizeof(V));
}

// K vectors V of per-channel constants, from channel c on.
template <typename V, int K>
RESNET_IN_INLINE void LoadConstants(const float* p, int64_t c, V* v) {
  for (int k = 0; k < K; ++k) Load(p + c + k * Lanes<V>(), &v[k]);
}

// g = dy where the forward pass came out above zero: Normalize's expression, the same to the bit.
template <bool relu, typename V>
RESNET_IN_INLINE void ThroughRelu(const V& d, const V& scale, const V& shift, V* g) {
  if (relu) *g = d * scale + shift > V{} ? *g : V{};
}

// Each loop is a struct whose Block does at most kBlock positions from `begin` on, for K vectors V
// of neighbouring channels from channel c on.

// Deviations are taken from the block's first value, d = x - x0. As x0 belongs to the block, the
// sum of d^2 is at most kBlock times the sum of squared deviations: the subtraction below loses at
// most log2(kBlock) bits, whatever the mean; a constant channel gives its value and 0 exactly.
struct Statistics {
  const Part& part;
  double *mean, *deviations;

  template <typename V, int K>
  RESNET_IN_INLINE void Block(int64_t begin, int64_t count, int64_t c) const {
    const float* x = part.x + begin * part.channels + c;
    V first[K], sum[K], squares[K];
    LoadConstants<V, K>(x, 0, first);
    for (int k = 0; k < K; ++k) sum[k] = squares[k] = first[k] - first[k];
    for (int64_t i = 1; i < count; ++i) {
      for (int k = 0; k < K; ++k) {
        V d;
        Load(x + i * part.channels + k * Lanes<V>(), &d);
        d -= first[k];
        sum[k] += d;
        squares[k] += d * d;
      }
    }
    float f[K * Lanes<V>()], s[K * Lanes<V>()], q[K * Lanes<V>()];
    std::memcpy(f, first, sizeof(f));
    std::memcpy(s, sum, sizeof(s));
    std::memcpy(q, squares, sizeof(q));
    const double n = count, inverse = 1.0 / n, before = begin;
    for (int lane = 0; lane < K * Lanes<V>(); ++lane) {
      const double d = s[lane] * inverse;
      Merge(before, n, f[lane] + d, q[lane] - s[lane] * d, mean + c + lane, deviations + c + lane);
    }
  }
};

template <bool relu>
struct Normalize {
  const Part& part;
  float* y;

  template <typename V, int K>
  RESNET_IN_INLINE void Block(int64_t begin, int64_t count, int64_t c) const {
    V mean[K], scale[K], shift[K];
    LoadConstants<V, K>(part.mean, c, mean);
    LoadConstants<V, K>(part.scale, c, scale);
    LoadConstants<V, K>(part.shift, c, shift);
    for (int64_t i = begin; i < begin + count; ++i) {
      for (int k = 0; k < K; ++k) {
        const int64_t at = i * part.channels + c + k * Lanes<V>();
        V v;
        Load(part.x + at, &v);
        v = (v - mean[k]) * scale[k] + shift[k];
        if (relu) v = v < V{} ? V{} : v;  // written so that NaN stays NaN
        Store(v, y + at);
      }
    }
  }
};

template <bool relu>
struct GradientSums {
  const Part& part;
  double *sum, *product;

  template <typename V, int K>
  RESNET_IN_INLINE void Block(int64_t begin, int64_t count, int64_t c) const {
    V mean[K], scale[K], shift[K], sums[K], products[K];
    LoadConstants<V, K>(part.mean, c, mean);
    LoadConstants<V, K>(part.scale, c, scale);
    LoadConstants<V, K>(part.shift, c, shift);
    for (int k = 0; k < K; ++k) sums[k] = products[k] = V{};
    for (int64_t i = begin; i < begin + count; ++i) {
      for (int k = 0; k < K; ++k) {
        const int64_t at = i * part.channels + c + k * Lanes<V>();
        V d, g;
        Load(part.x + at, &d);
        Load(part.dy + at, &g);
        d -= mean[k];
        ThroughRelu<relu>(d, scale[k], shift[k], &g);
        sums[k] += g;
        products[k] += g * d;
      }
    }
    float s[K * Lanes<V>()], p[K * Lanes<V>()];
    std::memcpy(s, sums, sizeof(s));
    std::memcpy(p, products, sizeof(p));
    for (int lane = 0; lane < K * Lanes<V>(); ++lane) {
      sum[c + lane] += s[lane];
      product[c + lane] += p[lane];
    }
  }
};

template <bool relu>
struct Gradient {
  const Part& part;
  float* dx;

  template <typename V, int K>
  RESNET_IN_INLINE void Block(int64_t begin, int64_t count, int64_t c) const {
    V mean[K], scale[K], shift[K], slope[K], offset[K];
    LoadConstants<V, K>(part.mean, c, mean);
    LoadConstants<V, K>(part.scale, c, scale);
    LoadConstants<V, K>(part.shift, c, shift);
    LoadConstants<V, K>(part.slope, c, slope);
    LoadConstants<V, K>(part.offset, c, offset);
    for (int64_t i = begin; i < begin + count; ++i) {
      for (int k = 0; k < K; ++k) {
        const int64_t at = i * part.channels + c + k * Lanes<V>();
        V d, g;
        Load(part.x + at, &d);
        Load(part.dy + at, &g);
        d -= mean[k];
        ThroughRelu<relu>(d, scale[k], shift[k], &g);
        g = g * scale[k] + (d * slope[k] + offset[k]);
        Store(g, dx + at);
      }
    }
  }
};

// All blocks and channels of a part: wide strips of channels first, what is left one by one.
template <typename V, typename Loop>
RESNET_IN_INLINE void Run(const Part& part, const Loop& loop) {
  for (int64_t begin = 0; begin < part.positions; begin += kBlock) {
    const int64_t count = std::min(kBlock, part.positions - begin);
    int64_t c = 0;
    for (; c + 2 * Lanes<V>() <= part.channels; c += 2 * Lanes<V>()) {
      loop.template Block<V, 2>(begin, count, c);
    }
    for (; c + 4 <= part.channels; c += 4) loop.template Block<Float4, 1>(begin, count, c);
    for (; c < part.channels; ++c) loop.template Block<float, 1>(begin, count, c);
  }
}

// The four kernels with vectors V, compiled for the instructions that `target` names.
#define RESNET_IN_KERNELS(Name, V, target)                                                  \
  template <bool relu>                                                                      \
  struct Name {                                                                             \
    target static void DoStatistics(const Part& part, double* mean, double* deviations) {   \
      std::memset(mean, 0, part.channels * sizeof(double));                                 \
      std::memset(deviations, 0, part.channels * sizeof(double));                           \
      Run<V>(part, Statistics{part, mean, deviations});                                     \
    }                                                                                       \
    target static void DoNormalize(const Part& part, float* y) {                            \
      Run<V>(part, Normalize<relu>{part, y});                                               \
    }                                                                                       \
    target static void DoGradientSums(const Part& part, double* sum, double* product) {     \
      std::memset(sum, 0, part.channels * sizeof(double));                                  \
      std::memset(product, 0, part.channels * sizeof(double));                              \
      Run<V>(part, GradientSums<relu>{part, sum, product});                                 \
    }                                                                                       \
    target static void DoGradient(const Part& part, float* dx) {                            \
      Run<V>(part, Gradient<relu>{part, dx});                                               \
    }                                                                                       \
    static Kernels All() { return {DoStatistics, DoNormalize, DoGradientSums, DoGradient}; } \
  }

RESNET_IN_KERNELS(Plain, Float4, );
#if defined(__x86_64__)
RESNET_IN_KERNELS(Avx2, Float8, __attribute__((target("avx2"))));
RESNET_IN_KERNELS(Avx512, Float16, __attribute__((target("avx512f"))));
#endif

template <bool relu>
Kernels Choose() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return Avx512<relu>::All();
  if (__builtin_cpu_supports("avx2")) return Avx2<relu>::All();
#endif
  return Plain<relu>::All();
}

}  // namespace

Kernels BestKernels(bool relu) { return relu ? Choose<true>() : Choose<false>(); }

}  // namespace resnet_in
