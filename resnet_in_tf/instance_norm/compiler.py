"""Finds the compilers of this machine and turns the sources into one library."""

import os
import platform
import shutil
import subprocess

import tensorflow.compat.v1 as tf

SOURCES = ('instance_norm_cpu.cc', 'instance_norm_op.cc')
GPU_SOURCES = ('instance_norm_op_gpu.cc',)
CUDA_SOURCE = 'instance_norm_cuda.cu'
HEADERS = ('instance_norm_cpu.h', 'instance_norm_op.h', 'instance_norm_cuda.h',
           'instance_norm_cuda_block.h')
COMPILERS = ('g++', 'c++', 'clang++')
# No contraction: the gradient's ReLU mask repeats the forward pass to the bit.
FLAGS = ('-std=c++11', '-O3', '-ffp-contract=off', '-fPIC', '-shared', '-w')
CUDA_FLAGS = ('-std=c++11', '-O3', '-Xcompiler', '-fPIC')
# Compute capabilities worth their compile time; nvcc builds those it knows.
CAPABILITIES = ('60', '61', '70', '75', '80', '86', '89', '90', '100', '120')
CUDA_HEADER = 'include/cuda_runtime.h'
CUDA_10_CAPABILITIES = ('60', '61', '70', '75')


class BuildError(Exception):
    """The kernels cannot be built here; the message is one line that says why."""


def find_compiler():
    """Path of the C++ compiler: `$CXX`, else the first of COMPILERS."""
    names = (os.environ['CXX'],) if os.environ.get('CXX') else COMPILERS
    found = [shutil.which(name) for name in names if shutil.which(name)]
    if not found:
        raise BuildError('no C++ compiler (%s)' % ', '.join(names))
    return found[0]


def find_cuda():
    """The CUDA toolkit: `$CUDA_HOME`, the one of nvcc on PATH, or the usual place.

    Returns:
        Its folder, with bin/nvcc and include/cuda_runtime.h; None where there is none.
    """
    nvcc = shutil.which('nvcc')
    homes = [os.environ.get('CUDA_HOME'),
             os.path.dirname(os.path.dirname(os.path.realpath(nvcc))) if nvcc else None,
             '/usr/local/cuda']
    return next((home for home in homes if home and all(
        os.path.exists(os.path.join(home, part)) for part in ('bin/nvcc', CUDA_HEADER))), None)


def inputs_of_the_build(gpu):
    """All that a library must fit, whatever compiled it, as one list of strings."""
    parts = [tf.version.VERSION, tf.version.GIT_VERSION, platform.machine()] + list(FLAGS)
    parts += [flag for flag in tf.sysconfig.get_compile_flags() if flag.startswith('-D')]
    if gpu:
        parts += CUDA_FLAGS + CAPABILITIES
    for name in SOURCES + GPU_SOURCES + (CUDA_SOURCE,) + HEADERS:
        with open(path_of(name), encoding='utf-8') as file:
            parts.append(file.read())
    return parts


def compile_library(compiler, cuda, scratch, output):
    """Compiles and links the sources.

    Args:
        compiler: path of the C++ compiler.
        cuda: folder of the CUDA toolkit, or None to leave the CUDA kernels out.
        scratch: folder for work files.
        output: path of the library to write.

    Raises:
        BuildError: a compiler failed.
    """
    inputs = [path_of(name) for name in SOURCES]
    definitions, libraries = [], tf.sysconfig.get_link_flags()
    if cuda:
        nvcc = nvcc_of(cuda)
        kernels = os.path.join(scratch, 'instance_norm_cuda.o')
        run([nvcc] + list(CUDA_FLAGS) + architectures(nvcc)
            + ['-c', path_of(CUDA_SOURCE), '-o', kernels])
        inputs += [path_of(name) for name in GPU_SOURCES] + [kernels]
        definitions = ['-DGOOGLE_CUDA=1', '-DEIGEN_USE_GPU', '-I' + os.path.join(cuda, 'include')]
        libraries = libraries + ['-L' + os.path.join(cuda, 'lib64'), '-lcudart_static', '-ldl',
                                 '-lrt', '-lpthread']
    # TensorFlow's own flags come after ours: they may ask for a newer C++.
    run([compiler] + list(FLAGS) + definitions + tf.sysconfig.get_compile_flags() + inputs
        + ['-o', output] + libraries)


def architectures(nvcc):
    """nvcc's flags: machine code for every capability it knows, PTX for what comes later."""
    try:
        listed = run([nvcc, '--list-gpu-arch']).split()
    except BuildError:  # CUDA 10 knows no such flag
        listed = ['compute_' + capability for capability in CUDA_10_CAPABILITIES]
    known = [capability for capability in CAPABILITIES if 'compute_' + capability in listed]
    return ['-gencode=arch=compute_%s,code=sm_%s' % (each, each) for each in known] + [
        '-gencode=arch=compute_%s,code=compute_%s' % (known[-1], known[-1])]


def nvcc_of(cuda):
    return os.path.join(cuda, 'bin', 'nvcc')


def path_of(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def run(command):
    """What a command prints; BuildError with the first line of its errors where it fails."""
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True).stdout
    except OSError as error:
        raise BuildError('%s: %s' % (command[0], error.strerror)) from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if 'rror' in line] or ['no message']
        raise BuildError('%s failed: %s' % (command[0], lines[0].strip())) from error
