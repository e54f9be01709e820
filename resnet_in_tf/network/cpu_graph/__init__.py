"""What a frozen graph is turned into where TensorFlow loads it to run it on a CPU.

Graphs are trained, frozen and exported in their plain form, which every runtime knows. Some of its
steps are slow in TensorFlow's CPU kernels, 1.15's and 2.15's alike; here they are done otherwise.
"""

from resnet_in_tf.network.cpu_graph.swap import swap_for_cpu

__all__ = ['swap_for_cpu']
