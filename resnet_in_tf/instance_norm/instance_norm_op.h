// What the CPU and the GPU kernels of the op share: their arguments, checked and measured.

#ifndef RESNET_IN_TF_INSTANCE_NORM_OP_H_
#define RESNET_IN_TF_INSTANCE_NORM_OP_H_

#include <cstdint>
#include <string>

#include "instance_norm_cpu.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace resnet_in {

struct Sizes {
  int64_t samples, positions, channels;
  int64_t gamma_stride, beta_stride;  // C where each sample has its own row, otherwise 0
};

inline tensorflow::Status MeasureParameter(const char* name, const tensorflow::Tensor& x,
                                           const tensorflow::Tensor& value, int64_t* stride) {
  const int64_t channels = x.dim_size(3);
  const bool fits = value.dims() >= 1 && value.dim_size(value.dims() - 1) == channels;
  const bool shared = fits && (value.dims() == 1 || (value.dims() == 2 && value.dim_size(0) == 1));
  const bool own = fits && !shared && value.dims() == 2 && value.dim_size(0) == x.dim_size(0);
  *stride = own ? channels : 0;
  if (shared || own) return tensorflow::Status();
  return tensorflow::errors::InvalidArgument(
      name, " has shape ", value.shape().DebugString(),
      "; it must be [C] or [N, C] for x of shape ", x.shape().DebugString());
}

inline tensorflow::Status Measure(const tensorflow::Tensor& x, const tensorflow::Tensor& gamma,
                                  const tensorflow::Tensor& beta, Sizes* sizes) {
  if (x.dims() != 4) {
    return tensorflow::errors::InvalidArgument("x has shape ", x.shape().DebugString(),
                                               "; it must be [N, H, W, C]");
  }
  sizes->samples = x.dim_size(0);
  sizes->positions = x.dim_size(1) * x.dim_size(2);
  sizes->channels = x.dim_size(3);
  TF_RETURN_IF_ERROR(MeasureParameter("gamma", x, gamma, &sizes->gamma_stride));
  return MeasureParameter("beta", x, beta, &sizes->beta_stride);
}

inline tensorflow::TensorShape StatisticsShape(const Sizes& sizes) {
  return tensorflow::TensorShape({sizes.samples, kStatistics, sizes.channels});
}

inline tensorflow::Status MeasureGradient(const tensorflow::Tensor& dy, const tensorflow::Tensor& x,
                                          const tensorflow::Tensor& gamma,
                                          const tensorflow::Tensor& beta,
                                          const tensorflow::Tensor& statistics, Sizes* sizes) {
  TF_RETURN_IF_ERROR(Measure(x, gamma, beta, sizes));
  if (dy.shape() != x.shape() || statistics.shape() != StatisticsShape(*sizes)) {
    return tensorflow::errors::InvalidArgument(
        "dy has shape ", dy.shape().DebugString(), " and statistics ",
        statistics.shape().DebugString(), "; they do not fit x of shape ", x.shape().DebugString());
  }
  return tensorflow::Status();
}

inline bool HasRelu(tensorflow::OpKernelConstruction* context) {
  std::string activation;
  const tensorflow::Status status = context->GetAttr("activation", &activation);
  if (!status.ok()) context->CtxFailure(status);
  return activation == "relu";
}

}  // namespace resnet_in

#endif  // RESNET_IN_TF_INSTANCE_NORM_OP_H_
