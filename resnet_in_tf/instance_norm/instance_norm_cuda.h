// Plain C launchers of formula (11) and its gradient on a CUDA device. No TensorFlow header.
//
// All pointers are device memory, contiguous float32, aligned to 16 bytes: x, y, dy, dx
// [N, positions, C]; gamma, beta and their gradients [C] (stride 0) or [N, C] (stride C);
// statistics [N, 3, C], its rows as in instance_norm_cpu.h. y may be x and dx may be dy. `stream`
// is a cudaStream_t. The launchers return at once, with a cudaError_t: 0 where all went well.

#ifndef RESNET_IN_TF_INSTANCE_NORM_CUDA_H_
#define RESNET_IN_TF_INSTANCE_NORM_CUDA_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ResnetInSizes {
  int64_t samples, positions, channels, gamma_stride, beta_stride;
};

// Bytes of device memory that either launcher needs as `scratch`.
int64_t resnet_in_cuda_scratch_bytes(const struct ResnetInSizes* sizes);

int resnet_in_cuda_forward(const struct ResnetInSizes* sizes, const float* x, const float* gamma,
                           const float* beta, float epsilon, int relu, float* y, float* statistics,
                           void* scratch, void* stream);

int resnet_in_cuda_gradient(const struct ResnetInSizes* sizes, const float* dy, const float* x,
                            const float* gamma, const float* beta, const float* statistics,
                            int relu, float* dx, float* dgamma, float* dbeta, void* scratch,
                            void* stream);

const char* resnet_in_cuda_error(int error);

#ifdef __cplusplus
}
#endif

#endif  // RESNET_IN_TF_INSTANCE_NORM_CUDA_H_
