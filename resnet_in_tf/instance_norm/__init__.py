"""Instance normalization, the paper's formula (11): one interface, two ways to compute it."""

from resnet_in_tf.instance_norm.api import instance_norm
from resnet_in_tf.instance_norm.fused import load_op
from resnet_in_tf.instance_norm.graph import swap_to_fused

__all__ = ['instance_norm', 'load_op', 'swap_to_fused']
