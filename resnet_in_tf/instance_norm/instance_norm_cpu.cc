// The loops of instance_norm_cpu.h: one template over the vector type, compiled once for each set
// of instructions and chosen at run time, so that one build runs on every processor.

#include "instance_norm_cpu.h"

#include <cstring>
#include <vector>

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

// K vectors V side by side, copied one by one: in registers, where a single copy goes by the stack.
template <typename V, int K>
RESNET_IN_INLINE void Load(const float* p, V* v) {
  for (int k = 0; k < K; ++k) std::memcpy(v + k, p + k * Lanes<V>(), sizeof(V));
}

template <typename V, int K>
RESNET_IN_INLINE void Store(const V* v, float* p) {
  for (int k = 0; k < K; ++k) std::memcpy(p + k * Lanes<V>(), v + k, sizeof(V));
}

// Each loop is a struct whose Strip does `count` positions from `begin` on, for K vectors V of
// neighbouring channels from channel c on. Start and Finish come before and after each block.

// Two float sums a channel over a block, which go over into double at its end.
struct Sums {
  explicit Sums(int64_t channels) : a(channels), b(channels) {}
  void Clear() {
    std::fill(a.begin(), a.end(), 0.0f);
    std::fill(b.begin(), b.end(), 0.0f);
  }

  std::vector<float> a, b;
};

// Deviations are taken from the block's first value, d = x - x0. As x0 belongs to the block, the
// sum of d^2 is at most kBlock times the sum of squared deviations: the subtraction below loses at
// most log2(kBlock) bits, whatever the mean; a constant channel gives its value and 0 exactly.
struct Statistics {
  const Part& part;
  double *mean, *deviations;
  Sums sums;
  const float* first;

  void Start(int64_t begin) {
    first = part.x + begin * part.channels;
    sums.Clear();
  }

  template <typename V, int K>
  RESNET_IN_INLINE void Strip(int64_t begin, int64_t count, int64_t c) {
    V d[K], origin[K], sum[K], squares[K];
    Load<V, K>(first + c, origin);
    Load<V, K>(&sums.a[c], sum);
    Load<V, K>(&sums.b[c], squares);
    for (int64_t i = begin; i < begin + count; ++i) {
      Load<V, K>(part.x + i * part.channels + c, d);
      for (int k = 0; k < K; ++k) {
        d[k] -= origin[k];
        sum[k] += d[k];
        squares[k] += d[k] * d[k];
      }
    }
    Store<V, K>(sum, &sums.a[c]);
    Store<V, K>(squares, &sums.b[c]);
  }

  RESNET_IN_INLINE void Finish(int64_t begin, int64_t count) {
    const double n = count, inverse = 1.0 / n, before = begin;
    for (int64_t c = 0; c < part.channels; ++c) {
      const double s = sums.a[c], d = s * inverse;
      Merge(before, n, first[c] + d, sums.b[c] - s * d, mean + c, deviations + c);
    }
  }
};

template <bool relu>
struct Normalize {
  const Part& part;
  float* y;

  void Start(int64_t) {}
  void Finish(int64_t, int64_t) {}

  template <typename V, int K>
  RESNET_IN_INLINE void Strip(int64_t begin, int64_t count, int64_t c) {
    V v[K], mean[K], scale[K], shift[K];
    Load<V, K>(part.mean + c, mean);
    Load<V, K>(part.scale + c, scale);
    Load<V, K>(part.shift + c, shift);
    for (int64_t i = begin; i < begin + count; ++i) {
      Load<V, K>(part.x + i * part.channels + c, v);
      for (int k = 0; k < K; ++k) {
        v[k] = (v[k] - mean[k]) * scale[k] + shift[k];
        if (relu) v[k] = v[k] < V{} ? V{} : v[k];  // written so that NaN stays NaN
      }
      Store<V, K>(v, y + i * part.channels + c);
    }
  }
};

// Constants of K vectors of channels, and of each position d = x - mean and g = dy where the forward
// pass came out above zero: Normalize's expression, the same to the bit.
template <bool relu, typename V, int K>
struct ThroughRelu {
  RESNET_IN_INLINE ThroughRelu(const Part& part, int64_t c) : part(part), c(c) {
    Load<V, K>(part.mean + c, mean);
    Load<V, K>(part.scale + c, scale);
    Load<V, K>(part.shift + c, shift);
  }

  RESNET_IN_INLINE void At(int64_t i, V* d, V* g) const {
    Load<V, K>(part.x + i * part.channels + c, d);
    Load<V, K>(part.dy + i * part.channels + c, g);
    for (int k = 0; k < K; ++k) {
      d[k] -= mean[k];
      if (relu) g[k] = d[k] * scale[k] + shift[k] > V{} ? g[k] : V{};
    }
  }

  const Part& part;
  int64_t c;
  V mean[K], scale[K], shift[K];
};

template <bool relu>
struct GradientSums {
  const Part& part;
  double *sum, *product;
  Sums sums;

  void Start(int64_t) { sums.Clear(); }

  template <typename V, int K>
  RESNET_IN_INLINE void Strip(int64_t begin, int64_t count, int64_t c) {
    const ThroughRelu<relu, V, K> through(part, c);
    V d[K], g[K], gradients[K], products[K];
    Load<V, K>(&sums.a[c], gradients);
    Load<V, K>(&sums.b[c], products);
    for (int64_t i = begin; i < begin + count; ++i) {
      through.At(i, d, g);
      for (int k = 0; k < K; ++k) {
        gradients[k] += g[k];
        products[k] += g[k] * d[k];
      }
    }
    Store<V, K>(gradients, &sums.a[c]);
    Store<V, K>(products, &sums.b[c]);
  }

  RESNET_IN_INLINE void Finish(int64_t, int64_t) {
    for (int64_t c = 0; c < part.channels; ++c) {
      sum[c] += sums.a[c];
      product[c] += sums.b[c];
    }
  }
};

template <bool relu>
struct Gradient {
  const Part& part;
  float* dx;

  void Start(int64_t) {}
  void Finish(int64_t, int64_t) {}

  template <typename V, int K>
  RESNET_IN_INLINE void Strip(int64_t begin, int64_t count, int64_t c) {
    const ThroughRelu<relu, V, K> through(part, c);
    V d[K], g[K], slope[K], offset[K];
    Load<V, K>(part.slope + c, slope);
    Load<V, K>(part.offset + c, offset);
    for (int64_t i = begin; i < begin + count; ++i) {
      through.At(i, d, g);
      for (int k = 0; k < K; ++k) {
        g[k] = g[k] * through.scale[k] + (d[k] * slope[k] + offset[k]);
      }
      Store<V, K>(g, dx + i * part.channels + c);
    }
  }
};

// All positions and channels of a part: wide strips of channels first, what is left one by one.
// A strip goes down a whole block where few strips make a position; otherwise one position at a
// time, so that memory is read from front to back.
template <typename V, typename Loop>
RESNET_IN_INLINE void Run(const Part& part, Loop loop) {
  constexpr int64_t kStrip = 2 * Lanes<V>();
  const int64_t rows = part.channels <= 2 * kStrip ? kBlock : 1;
  for (int64_t begin = 0; begin < part.positions; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, part.positions);
    loop.Start(begin);
    for (int64_t row = begin; row < end; row += rows) {
      const int64_t count = std::min(rows, end - row);
      int64_t c = 0;
      for (; c + kStrip <= part.channels; c += kStrip) loop.template Strip<V, 2>(row, count, c);
      for (; c + 4 <= part.channels; c += 4) loop.template Strip<Float4, 1>(row, count, c);
      for (; c < part.channels; ++c) loop.template Strip<float, 1>(row, count, c);
    }
    loop.Finish(begin, end - begin);
  }
}

// The four kernels with vectors V, compiled for the instructions that `target` names.
#define RESNET_IN_KERNELS(Name, V, target)                                                  \
  template <bool relu>                                                                      \
  struct Name {                                                                             \
    target static void DoStatistics(const Part& part, double* mean, double* deviations) {   \
      std::memset(mean, 0, part.channels * sizeof(double));                                 \
      std::memset(deviations, 0, part.channels * sizeof(double));                           \
      Run<V>(part, Statistics{part, mean, deviations, Sums(part.channels), nullptr});       \
    }                                                                                       \
    target static void DoNormalize(const Part& part, float* y) {                            \
      Run<V>(part, Normalize<relu>{part, y});                                               \
    }                                                                                       \
    target static void DoGradientSums(const Part& part, double* sum, double* product) {     \
      std::memset(sum, 0, part.channels * sizeof(double));                                  \
      std::memset(product, 0, part.channels * sizeof(double));                              \
      Run<V>(part, GradientSums<relu>{part, sum, product, Sums(part.channels)});            \
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
