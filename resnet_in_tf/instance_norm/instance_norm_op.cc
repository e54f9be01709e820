// The TensorFlow ops of formula (11) and its gradient, and their CPU kernels.

#include "instance_norm_op.h"

#include <cmath>

#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/util/work_sharder.h"

namespace resnet_in {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

tensorflow::Status ForwardShape(InferenceContext* c) {
  ShapeHandle x;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
  c->set_output(0, x);
  c->set_output(1, c->MakeShape({c->Dim(x, 0), c->MakeDim(kStatistics), c->Dim(x, 3)}));
  return tensorflow::Status();
}

tensorflow::Status GradientShape(InferenceContext* c) {
  for (int i = 0; i < 3; ++i) c->set_output(i, c->input(i + 1));
  return tensorflow::Status();
}

REGISTER_OP("ResnetInInstanceNorm")
    .Input("x: float")
    .Input("gamma: float")
    .Input("beta: float")
    .Output("y: float")
    .Output("statistics: float")
    .Attr("activation: {'none', 'relu'} = 'none'")
    .Attr("epsilon: float = 1e-5")
    .SetShapeFn(ForwardShape)
    .Doc("Instance normalization of x [N, H, W, C]; gamma and beta are [C] or [N, C].");

REGISTER_OP("ResnetInInstanceNormGrad")
    .Input("dy: float")
    .Input("x: float")
    .Input("gamma: float")
    .Input("beta: float")
    .Input("statistics: float")
    .Output("dx: float")
    .Output("dgamma: float")
    .Output("dbeta: float")
    .Attr("activation: {'none', 'relu'} = 'none'")
    .SetShapeFn(GradientShape)
    .Doc("The gradient of ResnetInInstanceNorm; dgamma is shaped as gamma, dbeta as beta.");

// Calls work(n, unit) for every unit of every sample, on TensorFlow's own threads.
template <typename Work>
void ForEachUnit(OpKernelContext* context, const Sizes& sizes, const Units& units,
                 const Work& work) {
  const auto& workers = *context->device()->tensorflow_cpu_worker_threads();
  tensorflow::Shard(workers.num_threads, workers.workers, sizes.samples * units.count,
                    2 * units.size * sizes.channels, [&](int64_t begin, int64_t end) {
                      for (int64_t i = begin; i < end; ++i) work(i / units.count, i % units.count);
                    });
}

// Where the constants of each sample are kept: rows of C, float [N, kConstants, C].
enum { kScale, kShift, kSlope, kOffset, kConstants };

// `sums`, double [N, units, 2, C], for what each unit finds, and `constants`.
tensorflow::Status AllocateScratch(OpKernelContext* context, const Sizes& sizes, const Units& units,
                                   Tensor* sums, Tensor* constants) {
  TF_RETURN_IF_ERROR(context->allocate_temp(
      tensorflow::DT_DOUBLE, TensorShape({sizes.samples, units.count, 2, sizes.channels}), sums));
  return context->allocate_temp(
      tensorflow::DT_FLOAT, TensorShape({sizes.samples, kConstants, sizes.channels}), constants);
}

// The scale and shift of each sample, from its statistics.
void ForwardConstants(const Sizes& sizes, const float* gamma, const float* beta,
                      const float* statistics, float* constants) {
  for (int64_t n = 0; n < sizes.samples; ++n) {
    const float* s = statistics + n * kStatistics * sizes.channels;
    float* row = constants + n * kConstants * sizes.channels;
    for (int64_t c = 0; c < sizes.channels; ++c) {
      const double scale = double(gamma[n * sizes.gamma_stride + c]) *
                           s[kInverseDeviation * sizes.channels + c];
      row[kScale * sizes.channels + c] = scale;
      row[kShift * sizes.channels + c] =
          beta[n * sizes.beta_stride + c] - s[kMeanRest * sizes.channels + c] * scale;
    }
  }
}

Part PartOf(const Sizes& sizes, const Units& units, int64_t n, int64_t unit, const float* x,
            const float* dy, const float* statistics, const float* constants) {
  const int64_t at = (n * sizes.positions + units.Start(unit)) * sizes.channels;
  const float* row = constants + n * kConstants * sizes.channels;
  return Part{x + at,
              dy == nullptr ? nullptr : dy + at,
              units.Length(unit),
              sizes.channels,
              statistics + n * kStatistics * sizes.channels,
              row + kScale * sizes.channels,
              row + kShift * sizes.channels,
              row + kSlope * sizes.channels,
              row + kOffset * sizes.channels};
}

class InstanceNormOp : public OpKernel {
 public:
  explicit InstanceNormOp(OpKernelConstruction* context)
      : OpKernel(context), kernels_(BestKernels(HasRelu(context))) {
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &gamma = context->input(1), &beta = context->input(2);
    Sizes sizes;
    OP_REQUIRES_OK(context, Measure(x, gamma, beta, &sizes));
    const Units units(sizes.positions, sizes.channels);
    Tensor *y, *statistics, sums, constants;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, StatisticsShape(sizes), &statistics));
    OP_REQUIRES_OK(context, AllocateScratch(context, sizes, units, &sums, &constants));
    const float* in = x.flat<float>().data();
    double* sum = sums.flat<double>().data();
    float* s = statistics->flat<float>().data();
    float* constant = constants.flat<float>().data();
    float* out = y->flat<float>().data();
    ForEachUnit(context, sizes, units, [&](int64_t n, int64_t unit) {
      double* mean = sum + (n * units.count + unit) * 2 * sizes.channels;
      kernels_.statistics(PartOf(sizes, units, n, unit, in, nullptr, s, constant), mean,
                          mean + sizes.channels);
    });
    MergeUnits(sizes, units, sum, s);
    ForwardConstants(sizes, gamma.flat<float>().data(), beta.flat<float>().data(), s, constant);
    ForEachUnit(context, sizes, units, [&](int64_t n, int64_t unit) {
      kernels_.normalize(PartOf(sizes, units, n, unit, in, nullptr, s, constant),
                         out + (n * sizes.positions + units.Start(unit)) * sizes.channels);
    });
  }

 private:
  void MergeUnits(const Sizes& sizes, const Units& units, const double* sums, float* statistics) {
    for (int64_t n = 0; n < sizes.samples; ++n) {
      float* s = statistics + n * kStatistics * sizes.channels;
      for (int64_t c = 0; c < sizes.channels; ++c) {
        double mean = 0, deviations = 0;
        for (int64_t unit = 0; unit < units.count; ++unit) {
          const double* part = sums + (n * units.count + unit) * 2 * sizes.channels + c;
          Merge(units.Start(unit), units.Length(unit), part[0], part[sizes.channels], &mean,
                &deviations);
        }
        const double variance = deviations / std::max<int64_t>(1, sizes.positions);
        s[kMean * sizes.channels + c] = mean;
        s[kMeanRest * sizes.channels + c] = mean - s[kMean * sizes.channels + c];
        s[kInverseDeviation * sizes.channels + c] = 1 / std::sqrt(variance + epsilon_);
      }
    }
  }

  const Kernels kernels_;
  float epsilon_;
};

class InstanceNormGradOp : public OpKernel {
 public:
  explicit InstanceNormGradOp(OpKernelConstruction* context)
      : OpKernel(context), kernels_(BestKernels(HasRelu(context))) {}

  void Compute(OpKernelContext* context) override {
    const Tensor &dy = context->input(0), &x = context->input(1), &gamma = context->input(2),
                 &beta = context->input(3), &statistics = context->input(4);
    Sizes sizes;
    OP_REQUIRES_OK(context, MeasureGradient(dy, x, gamma, beta, statistics, &sizes));
    const Units units(sizes.positions, sizes.channels);
    Tensor *dx, *dgamma, *dbeta, sums, constants;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, gamma.shape(), &dgamma));
    OP_REQUIRES_OK(context, context->allocate_output(2, beta.shape(), &dbeta));
    OP_REQUIRES_OK(context, AllocateScratch(context, sizes, units, &sums, &constants));
    const float *in = x.flat<float>().data(), *gradient = dy.flat<float>().data();
    const float* s = statistics.flat<float>().data();
    double* sum = sums.flat<double>().data();
    float* constant = constants.flat<float>().data();
    float* out = dx->flat<float>().data();
    ForwardConstants(sizes, gamma.flat<float>().data(), beta.flat<float>().data(), s, constant);
    ForEachUnit(context, sizes, units, [&](int64_t n, int64_t unit) {
      double* own = sum + (n * units.count + unit) * 2 * sizes.channels;
      kernels_.gradient_sums(PartOf(sizes, units, n, unit, in, gradient, s, constant), own,
                             own + sizes.channels);
    });
    AddUnits(sizes, units, sum, s, constant, dgamma->flat<float>().data(),
             dbeta->flat<float>().data());
    ForEachUnit(context, sizes, units, [&](int64_t n, int64_t unit) {
      kernels_.gradient(PartOf(sizes, units, n, unit, in, gradient, s, constant),
                        out + (n * sizes.positions + units.Start(unit)) * sizes.channels);
    });
  }

 private:
  // dgamma, dbeta, and the slope and offset of dx. With xhat = (x - mean) / sigma and M positions:
  // dx = gamma / sigma * (g - sum(g) / M - xhat * sum(g * xhat) / M)
  void AddUnits(const Sizes& sizes, const Units& units, const double* sums, const float* statistics,
                float* constants, float* dgamma, float* dbeta) {
    for (int64_t c = 0; c < sizes.channels; ++c) {
      double all_gamma = 0, all_beta = 0;
      for (int64_t n = 0; n < sizes.samples; ++n) {
        double sum = 0, product = 0;  // of g, and of g * (x - mean)
        for (int64_t unit = 0; unit < units.count; ++unit) {
          const double* part = sums + (n * units.count + unit) * 2 * sizes.channels + c;
          sum += part[0];
          product += part[sizes.channels];
        }
        const float* s = statistics + n * kStatistics * sizes.channels + c;
        float* row = constants + n * kConstants * sizes.channels + c;
        const double rest = s[kMeanRest * sizes.channels];
        const double inverse = s[kInverseDeviation * sizes.channels];
        const double gamma_sum = (product - rest * sum) * inverse;
        const double scale = row[kScale * sizes.channels];
        const double m = std::max<int64_t>(1, sizes.positions);
        const double slope = -scale * inverse * gamma_sum / m;
        row[kSlope * sizes.channels] = slope;
        row[kOffset * sizes.channels] = -scale * sum / m - slope * rest;
        all_gamma = gamma_sum + (sizes.gamma_stride == 0 ? all_gamma : 0);
        all_beta = sum + (sizes.beta_stride == 0 ? all_beta : 0);
        dgamma[n * sizes.gamma_stride + c] = all_gamma;
        dbeta[n * sizes.beta_stride + c] = all_beta;
      }
      if (sizes.samples == 0 && sizes.gamma_stride == 0) dgamma[c] = 0;
      if (sizes.samples == 0 && sizes.beta_stride == 0) dbeta[c] = 0;
    }
  }

  const Kernels kernels_;
};

REGISTER_KERNEL_BUILDER(Name("ResnetInInstanceNorm").Device(tensorflow::DEVICE_CPU),
                        InstanceNormOp);
REGISTER_KERNEL_BUILDER(Name("ResnetInInstanceNormGrad").Device(tensorflow::DEVICE_CPU),
                        InstanceNormGradOp);

}  // namespace
}  // namespace resnet_in
