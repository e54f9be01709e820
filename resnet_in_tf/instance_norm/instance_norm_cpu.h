// Formula (11) and its gradient on the CPU, over one unit of positions. No TensorFlow header.
//
// x is [N, positions, C], C contiguous. Work is cut into units of whole positions whose size
// depends on the shape alone, so that the result does not depend on the number of threads.
// Every index is int64_t: a tensor may hold more than 2^31 elements.

#ifndef RESNET_IN_TF_INSTANCE_NORM_CPU_H_
#define RESNET_IN_TF_INSTANCE_NORM_CPU_H_

#include <algorithm>
#include <cstdint>

namespace resnet_in {

// Rows of the statistics tensor, float32 [N, kStatistics, C]. The mean is kept in two floats, so
// that features with a mean far larger than their spread lose nothing.
enum { kMean, kMeanRest, kInverseDeviation, kStatistics };

// Positions whose float sums are taken before they go over into double.
constexpr int64_t kBlock = 64;

// How the positions of one sample are cut into units.
struct Units {
  Units(int64_t positions, int64_t channels)
      : positions(positions),
        size(kBlock * std::max<int64_t>(1, 65536 / kBlock / std::max<int64_t>(1, channels))),
        count((positions + size - 1) / size) {}
  int64_t Start(int64_t unit) const { return unit * size; }
  int64_t Length(int64_t unit) const { return std::min(size, positions - unit * size); }

  int64_t positions, size, count;
};

// Some positions of one sample: x and dy float [positions, C], and its constants, float [C].
// With d = x - mean: y = d * scale + shift, and dx = g * scale + d * slope + offset, where g is dy
// through the ReLU. What a kernel does not need may be null.
struct Part {
  const float *x, *dy;
  int64_t positions, channels;
  const float *mean, *scale, *shift, *slope, *offset;
};

// The four loops over memory. The output may be x's own memory, or dy's for the gradient.
struct Kernels {
  // Mean and sum of squared deviations, double [C] each.
  void (*statistics)(const Part& part, double* mean, double* deviations);
  void (*normalize)(const Part& part, float* y);
  // Sums of g and of g * (x - mean), double [C] each.
  void (*gradient_sums)(const Part& part, double* sum, double* product);
  void (*gradient)(const Part& part, float* dx);
};

// The kernels in the best instructions that this processor has, with or without the ReLU.
Kernels BestKernels(bool relu);

// Adds `count` values of given mean and squared deviations to those of `total` values before
// (Chan, Golub and LeVeque 1979): no cancellation, and equal means stay equal to the last bit.
inline void Merge(double total, double count, double other_mean, double other_deviations,
                  double* mean, double* deviations) {
  const double delta = other_mean - *mean;
  const double share = count / (total + count);
  *mean += delta * share;
  *deviations += other_deviations + delta * delta * (total * share);
}

}  // namespace resnet_in

#endif  // RESNET_IN_TF_INSTANCE_NORM_CPU_H_
