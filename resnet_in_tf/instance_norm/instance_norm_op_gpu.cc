// The GPU kernels of the ops: they check, allocate, and call the launchers of instance_norm_cuda.h.

#include "instance_norm_cuda.h"
#include "instance_norm_op.h"
#include "third_party/eigen3/unsupported/Eigen/CXX11/Tensor"

namespace resnet_in {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

tensorflow::Status Launched(int error) {
  if (error == 0) return tensorflow::Status();
  return tensorflow::errors::Internal("CUDA instance norm: ", resnet_in_cuda_error(error));
}

ResnetInSizes ForCuda(const Sizes& sizes) {
  return {sizes.samples, sizes.positions, sizes.channels, sizes.gamma_stride, sizes.beta_stride};
}

tensorflow::Status AllocateScratch(OpKernelContext* context, const ResnetInSizes& sizes,
                                   Tensor* scratch) {
  return context->allocate_temp(tensorflow::DT_INT8,
                                TensorShape({resnet_in_cuda_scratch_bytes(&sizes)}), scratch);
}

class InstanceNormGpuOp : public OpKernel {
 public:
  explicit InstanceNormGpuOp(OpKernelConstruction* context)
      : OpKernel(context), relu_(HasRelu(context)) {
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &gamma = context->input(1), &beta = context->input(2);
    Sizes sizes;
    OP_REQUIRES_OK(context, Measure(x, gamma, beta, &sizes));
    const ResnetInSizes cuda_sizes = ForCuda(sizes);
    Tensor *y, *statistics, scratch;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, StatisticsShape(sizes), &statistics));
    OP_REQUIRES_OK(context, AllocateScratch(context, cuda_sizes, &scratch));
    OP_REQUIRES_OK(context, Launched(resnet_in_cuda_forward(
                                &cuda_sizes, x.flat<float>().data(), gamma.flat<float>().data(),
                                beta.flat<float>().data(), epsilon_, relu_, y->flat<float>().data(),
                                statistics->flat<float>().data(),
                                scratch.flat<tensorflow::int8>().data(),
                                context->eigen_gpu_device().stream())));
  }

 private:
  const bool relu_;
  float epsilon_;
};

class InstanceNormGradGpuOp : public OpKernel {
 public:
  explicit InstanceNormGradGpuOp(OpKernelConstruction* context)
      : OpKernel(context), relu_(HasRelu(context)) {}

  void Compute(OpKernelContext* context) override {
    const Tensor &dy = context->input(0), &x = context->input(1), &gamma = context->input(2),
                 &beta = context->input(3), &statistics = context->input(4);
    Sizes sizes;
    OP_REQUIRES_OK(context, MeasureGradient(dy, x, gamma, beta, statistics, &sizes));
    const ResnetInSizes cuda_sizes = ForCuda(sizes);
    Tensor *dx, *dgamma, *dbeta, scratch;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, gamma.shape(), &dgamma));
    OP_REQUIRES_OK(context, context->allocate_output(2, beta.shape(), &dbeta));
    OP_REQUIRES_OK(context, AllocateScratch(context, cuda_sizes, &scratch));
    OP_REQUIRES_OK(
        context,
        Launched(resnet_in_cuda_gradient(
            &cuda_sizes, dy.flat<float>().data(), x.flat<float>().data(),
            gamma.flat<float>().data(), beta.flat<float>().data(), statistics.flat<float>().data(),
            relu_, dx->flat<float>().data(), dgamma->flat<float>().data(),
            dbeta->flat<float>().data(), scratch.flat<tensorflow::int8>().data(),
            context->eigen_gpu_device().stream())));
  }

 private:
  const bool relu_;
};

REGISTER_KERNEL_BUILDER(Name("ResnetInInstanceNorm").Device(tensorflow::DEVICE_GPU),
                        InstanceNormGpuOp);
REGISTER_KERNEL_BUILDER(Name("ResnetInInstanceNormGrad").Device(tensorflow::DEVICE_GPU),
                        InstanceNormGradGpuOp);

}  // namespace
}  // namespace resnet_in
