"""Image style transfer with a normalized residual network, in TensorFlow 1.x graph mode."""

__version__ = '1.0.0'
