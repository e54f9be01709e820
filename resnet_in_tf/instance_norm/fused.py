"""The fused op in the graph: loading it, its gradient, and whether it is the one to use."""

import functools
import logging

import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import gpu_is_visible
from resnet_in_tf.instance_norm import cache
from resnet_in_tf.instance_norm.compiler import BuildError

OP = 'ResnetInInstanceNorm'
LOG = logging.getLogger('resnet_in_tf')


def load_op():
    """Builds the op's library if need be and loads it, once a process.

    Returns:
        The module of ops, or None where it cannot be had; one log line then says why.
    """
    return _load()[0]


def is_chosen(impl):
    """Whether `impl` means the fused op here.

    Args:
        impl: 'reference', 'fused', or 'auto': the fused op if it can be had, unless the graph would
            run on a GPU and the op has no kernel for one.

    Raises:
        ValueError: impl is not one of the above.
        RuntimeError: impl is 'fused' and the kernel cannot be built or loaded.
    """
    if impl not in ('auto', 'reference', 'fused'):
        raise ValueError("impl is %r; it must be 'auto', 'reference' or 'fused'" % (impl,))
    if impl == 'reference':
        return False
    op, has_gpu_kernels = _load()
    if impl == 'fused' and op is None:
        raise RuntimeError("impl='fused' needs the compiled kernel, which cannot be had here (the "
                           "log says why); use impl='auto' or 'reference'")
    return impl == 'fused' or op is not None and (has_gpu_kernels or not gpu_is_visible())


@functools.lru_cache(maxsize=None)
def _load():
    """(module or None, whether it has GPU kernels)."""
    for gpu in (True, False) if gpu_is_visible() else (False,):
        for again in (False, True):  # a damaged file in the cache is built anew
            try:
                return tf.load_op_library(cache.build(gpu, again)), gpu
            except BuildError as error:
                problem = str(error)
                break
            except (tf.errors.OpError, RuntimeError) as error:
                problem = 'cannot load the kernel: %s' % str(error).splitlines()[0]
        LOG.warning('instance norm runs in plain TensorFlow, slower: %s', problem)
    return None, False


def instance_norm(x, gamma, beta, activation, epsilon, name):
    """Arguments as in `api.py`."""
    with tf.name_scope(name):
        return load_op().resnet_in_instance_norm(x=x, gamma=gamma, beta=beta, epsilon=epsilon,
                                                 activation=activation or 'none', name='fused').y


@tf.RegisterGradient(OP)
def gradient(op, dy, _):
    """dx, dgamma and dbeta; the second output, statistics, is for this gradient alone."""
    x, gamma, beta = op.inputs
    return list(load_op().resnet_in_instance_norm_grad(
        dy=dy, x=x, gamma=gamma, beta=beta, statistics=op.outputs[1],
        activation=op.get_attr('activation')))
