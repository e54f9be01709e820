"""Time of the CUDA kernels of instance norm by themselves, without TensorFlow, next to a copy of memory."""

import ctypes
import os
import tempfile

import numpy as np

from resnet_in_tf.benchmarks.norms import BOTH, FORWARD, PASSES, interleaved
from resnet_in_tf.errors import UserError
from resnet_in_tf.instance_norm import compiler
from resnet_in_tf.network.layers import NORM_EPSILON

TO_DEVICE, FROM_DEVICE, ON_DEVICE = 1, 2, 3  # cudaMemcpyKind
INNER = 20  # launches between two events: one is over in some microseconds


class Sizes(ctypes.Structure):
    """ResnetInSizes of instance_norm_cuda.h."""

    _fields_ = [(name, ctypes.c_int64)
                for name in ('samples', 'positions', 'channels', 'gamma_stride', 'beta_stride')]


class Kernels:
    """The launchers of a library, and memory of the device.

    Args:
        path: of the library that `build` made.
    """

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.resnet_in_cuda_scratch_bytes.restype = ctypes.c_int64
        self.library.resnet_in_cuda_error.restype = ctypes.c_char_p

    def check(self, error):
        """Raises UserError where a call of CUDA's failed."""
        if error:
            raise UserError('CUDA: %s' % self.library.resnet_in_cuda_error(error).decode())

    def allocate(self, size):
        """A pointer to bytes of device memory."""
        pointer = ctypes.c_void_p()
        self.check(self.library.cudaMalloc(ctypes.byref(pointer), ctypes.c_size_t(max(size, 16))))
        return pointer

    def put(self, array):
        """A pointer to a copy of a float32 array in device memory."""
        pointer = self.allocate(array.nbytes)
        self.check(self.library.cudaMemcpy(pointer, ctypes.c_void_p(array.ctypes.data),
                                           ctypes.c_size_t(array.nbytes), TO_DEVICE))
        return pointer

    def take(self, pointer, like):
        """What lies in device memory, as an array of the shape of another; waits for the kernels."""
        array = np.empty_like(like)
        self.check(self.library.cudaMemcpy(ctypes.c_void_p(array.ctypes.data), pointer,
                                           ctypes.c_size_t(array.nbytes), FROM_DEVICE))
        return array

    def free(self, pointers):
        """Gives memory back; a pointer may be named twice."""
        for address in {pointer.value for pointer in pointers}:
            self.check(self.library.cudaFree(ctypes.c_void_p(address)))

    def scratch_bytes(self, sizes):
        """Bytes that a launcher needs beside its arguments."""
        return self.library.resnet_in_cuda_scratch_bytes(ctypes.byref(sizes))

    def forward(self, sizes, x, gamma, beta, relu, y, statistics, scratch):
        """Launches formula (11); arguments as in instance_norm_cuda.h."""
        self.check(self.library.resnet_in_cuda_forward(
            ctypes.byref(sizes), x, gamma, beta, ctypes.c_float(NORM_EPSILON), int(relu), y, statistics,
            scratch, None))

    def gradient(self, sizes, dy, x, gamma, beta, statistics, relu, dx, dgamma, dbeta, scratch):
        """Launches its gradient; arguments as in instance_norm_cuda.h."""
        self.check(self.library.resnet_in_cuda_gradient(
            ctypes.byref(sizes), dy, x, gamma, beta, statistics, int(relu), dx, dgamma, dbeta, scratch, None))

    def milliseconds(self, call):
        """What one of INNER calls takes on the device, between two events."""
        events = []
        for _ in range(2):
            events.append(ctypes.c_void_p())
            self.check(self.library.cudaEventCreate(ctypes.byref(events[-1])))
        self.check(self.library.cudaEventRecord(events[0], None))
        for _ in range(INNER):
            call()
        self.check(self.library.cudaEventRecord(events[1], None))
        self.check(self.library.cudaEventSynchronize(events[1]))
        elapsed = ctypes.c_float()
        self.check(self.library.cudaEventElapsedTime(ctypes.byref(elapsed), *events))
        for event in events:
            self.check(self.library.cudaEventDestroy(event))
        return elapsed.value / INNER


def build(folder):
    """Compiles the kernels into a library of their own.

    Args:
        folder: for the library.

    Returns:
        Its path.

    Raises:
        UserError: there is no CUDA compiler, or it failed.
    """
    cuda = compiler.find_cuda()
    if cuda is None:
        raise UserError("no CUDA compiler: put nvcc's folder on PATH, or name the toolkit's in CUDA_HOME")
    nvcc, output = compiler.nvcc_of(cuda), os.path.join(folder, 'cuda_kernels.so')
    try:
        compiler.run([nvcc] + list(compiler.CUDA_FLAGS) + compiler.architectures(nvcc)
                     + ['-shared', '-cudart', 'shared', compiler.path_of(compiler.CUDA_SOURCE), '-o', output])
    except compiler.BuildError as error:
        raise UserError(str(error)) from error
    return output


def measure(shapes, rounds, show=print):
    """Times forward and forward+backward, each with its ReLU, in turn with a copy of x.

    Args:
        shapes: list of (N, H, W, C).
        rounds: timed rounds, after one that is not.
        show: called with a line on each case that is done.

    Returns:
        List of dicts: case, pass, milliseconds (median), of the copy, and the share of its bandwidth.

    Raises:
        UserError: the kernels cannot be built here, or there is no GPU.
    """
    with tempfile.TemporaryDirectory() as folder:
        kernels = Kernels(build(folder))
        rows = []
        for shape in shapes:
            rows += measure_shape(kernels, shape, rounds)
            show('%s: %d rounds done' % ('x'.join(map(str, shape)), rounds))
    return rows


def measure_shape(kernels, shape, rounds):
    """The two lines of a shape, as `measure` has them."""
    samples, height, width, channels = shape
    sizes = Sizes(samples, height * width, channels, 0, 0)
    random = np.random.RandomState(0)
    x, dy = [kernels.put(random.normal(3, 2, shape).astype(np.float32)) for _ in range(2)]
    gamma, beta, dgamma, dbeta = [kernels.put(np.ones(channels, np.float32)) for _ in range(4)]
    size = 4 * int(np.prod(shape))
    y, dx, copied = [kernels.allocate(size) for _ in range(3)]
    statistics = kernels.allocate(4 * samples * 3 * channels)
    scratch = kernels.allocate(kernels.scratch_bytes(sizes))

    def forward():
        kernels.forward(sizes, x, gamma, beta, True, y, statistics, scratch)

    def both():
        forward()
        kernels.gradient(sizes, dy, x, gamma, beta, statistics, True, dx, dgamma, dbeta, scratch)

    def copy():
        kernels.check(kernels.library.cudaMemcpyAsync(copied, x, ctypes.c_size_t(size), ON_DEVICE, None))

    times = interleaved({FORWARD: forward, BOTH: both, 'copy': copy}, rounds, kernels.milliseconds)
    kernels.free([x, dy, gamma, beta, dgamma, dbeta, y, dx, copied, statistics, scratch])
    return [{'case': 'x'.join(map(str, shape)), 'pass': name, 'ms': float(np.median(times[name])),
             'copy ms': float(np.median(times['copy'])),
             'of bandwidth': float(np.median(np.divide(times['copy'], times[name]))) * PASSES[name] / 2}
            for name in (FORWARD, BOTH)]
