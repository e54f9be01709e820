"""Keeps the compiled kernels in a cache folder, one file for each way to build them."""

import hashlib
import logging
import os

from resnet_in_tf.files import cache_folder, cached_path, find_cached, scratch_folder
from resnet_in_tf.instance_norm import compiler
from resnet_in_tf.instance_norm.compiler import BuildError

LOG = logging.getLogger('resnet_in_tf')


def kernel_folder():
    """`$RESNET_IN_TF_KERNELS`, for kernels built ahead apart from what else is cached, else the cache."""
    return os.environ.get('RESNET_IN_TF_KERNELS') or cache_folder()


def build(gpu=False, again=False):
    """Compiles the kernels, unless the cache has them.

    The library is moved into place whole, so any number of processes may build at once. Its name
    holds a checksum: loading one that was cut short would end the process. What was built ahead is
    used where there is no compiler, or another one.

    Args:
        gpu: whether to build the CUDA kernels too.
        again: compile even what the cache has.

    Returns:
        Path of the library.

    Raises:
        BuildError: no compiler, a failed compilation, or a cache folder that cannot be written.
    """
    parts = '\0'.join(compiler.inputs_of_the_build(gpu))
    folder, stem = kernel_folder(), 'instance_norm-%s-%s' % (
        'cuda' if gpu else 'cpu', hashlib.sha256(parts.encode()).hexdigest()[:16])
    found = None if again else find_cached(folder, stem, '.so')
    if found:
        return found[0]
    cxx, cuda = compiler.find_compiler(), compiler.find_cuda() if gpu else None
    if gpu and not cuda:
        raise BuildError('the CUDA kernels need a CUDA toolkit: put nvcc on PATH or set CUDA_HOME')
    LOG.info('compiling the instance-norm kernel, once, into %s', folder)
    try:
        os.makedirs(folder, exist_ok=True)
        with scratch_folder(folder) as scratch:
            built = os.path.join(scratch, 'instance_norm.so')
            compiler.compile_library(cxx, cuda, scratch, built)
            with open(built, 'rb') as file:
                path = cached_path(folder, stem, '.so', file.read())
            os.replace(built, path)
    except OSError as error:
        raise BuildError('cache folder %s: %s' % (folder, error.strerror)) from error
    return path
