"""Instance normalization, the paper's formula (11): one interface, two ways to compute it."""

from resnet_in_tf.instance_norm.api import instance_norm

__all__ = ['instance_norm']
