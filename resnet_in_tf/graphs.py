"""What every room asks of TensorFlow's graphs: where a node's input comes from, whether a GPU runs them."""

import functools

import tensorflow.compat.v1 as tf


def node_of(name):
    """The node that an input such as `name`, `name:1` or `^name` comes from."""
    return name.lstrip('^').split(':')[0]


def const_value(node):
    """Value of a Const node as an array; None for any other node."""
    return tf.make_ndarray(node.attr['value'].tensor) if node.op == 'Const' else None


@functools.lru_cache(maxsize=None)
def gpu_is_visible():
    """Whether TensorFlow would put what it can on a GPU."""
    return bool(tf.test.is_built_with_cuda()
                and tf.config.experimental.list_physical_devices('GPU'))
