"""The public function: checks its arguments and picks the implementation."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm import fused, reference

ACTIVATIONS = (None, 'relu')


def instance_norm(x, gamma, beta, activation=None, epsilon=1e-5, impl='auto',
                  name='instance_norm'):
    """Instance normalization, formula (11), with an optional ReLU.

    Args:
        x: float32 [N, H, W, C]; C must be known when the graph is built.
        gamma, beta: float32 [C] or [1, C], or [N, C] for a scale and shift per sample.
        activation: None or 'relu'.
        epsilon: added to the variance, so that a constant channel gives beta.
        impl: 'reference' (plain TensorFlow), 'fused' (one kernel) or 'auto' (fused where it runs).
        name: scope of the nodes.

    Returns:
        float32 [N, H, W, C].

    Raises:
        ValueError: a dtype, shape, activation, epsilon or impl is not one of the above.
        RuntimeError: impl is 'fused' and the kernel cannot be built or loaded.
    """
    if activation not in ACTIVATIONS:
        raise ValueError("activation is %r; it must be None or 'relu'" % (activation,))
    if not epsilon > 0:
        raise ValueError('epsilon is %r; it must be above 0' % (epsilon,))
    x, gamma, beta = [tensor(*pair) for pair in (('x', x), ('gamma', gamma), ('beta', beta))]
    check_shapes(x, gamma, beta)
    form = fused if fused.is_chosen(impl) else reference
    return form.instance_norm(x, gamma, beta, activation, epsilon, name)


def tensor(label, value):
    """`value` as a float32 tensor; a number or array is converted, any other tensor refused."""
    if not tf.is_tensor(value):
        value = tf.convert_to_tensor(value, tf.float32)
    if value.dtype.base_dtype != tf.float32:
        raise ValueError('%s is %s; it must be float32' % (label, value.dtype.base_dtype.name))
    return value if isinstance(value, tf.Tensor) else tf.convert_to_tensor(value)


def check_shapes(x, gamma, beta):
    """Raises ValueError where the static shapes rule out [N, H, W, C] with [C] or [N, C]."""
    if x.shape.rank != 4 or x.shape.as_list()[-1] is None:
        raise ValueError('x has shape %s; it must be [N, H, W, C] with a known C' % (x.shape,))
    batch, _, _, channels = x.shape.as_list()
    for label, value in (('gamma', gamma), ('beta', beta)):
        if not any(value.shape.is_compatible_with(shape) and value.shape.rank == len(shape)
                   for shape in ([channels], [1, channels], [batch, channels])):
            raise ValueError('%s has shape %s; it must be [C] or [N, C] for x of shape %s'
                             % (label, value.shape, x.shape))
