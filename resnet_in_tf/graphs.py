"""What every room asks of TensorFlow's graphs: where a node's input comes from, whether a GPU runs them."""

import functools

import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError


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


def within_memory(run):
    """A function that raises MemoryError where a device has too little memory for it."""
    @functools.wraps(run)
    def guarded(*args):
        try:
            return run(*args)
        except tf.errors.ResourceExhaustedError as error:
            raise MemoryError(error.message) from error
    return guarded


def load(variables, values, session):
    """Gives variables their values, numpy arrays, in one run.

    `Variable.load` takes a run each, and TensorFlow optimises the whole graph anew for every run of
    operations that it has not run together before.
    """
    initializers = [variable.initializer for variable in variables]
    session.run(initializers, {each.inputs[1]: value for each, value in zip(initializers, values)})


def has_bfloat16():
    """Whether this TensorFlow can compute convolutions in bfloat16 on a CPU."""
    return hasattr(tf.ConfigProto().graph_options.rewrite_options, 'auto_mixed_precision_onednn_bfloat16')


def session_config(bfloat16=False):
    """How every session runs: on a GPU it takes memory as it needs it, not all at its start.

    TensorFlow holds to what the first session of a process asked for.

    Args:
        bfloat16: whether convolutions may be computed in bfloat16 on a CPU that can.

    Returns:
        tf.ConfigProto.

    Raises:
        UserError: bfloat16 is asked of a TensorFlow that lacks it.
    """
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    if bfloat16:
        options = config.graph_options.rewrite_options
        if not has_bfloat16():
            raise UserError('--bfloat16 needs TensorFlow 2.15; this is %s' % tf.__version__)
        options.auto_mixed_precision_onednn_bfloat16 = type(options).ON
    return config
