"""The generator family: ResNet-IN and the paper's feed-forward rivals, as rows of one table."""

import collections

import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm import instance_norm
from resnet_in_tf.network import palette as palettes
from resnet_in_tf.network.interface import SMALLEST
from resnet_in_tf.network.layers import RESIDUAL_BLOCKS, norm_channels
from resnet_in_tf.pictures.palette import NUMBERS

System = collections.namedtuple('System', 'residual normalization palette source')

Activations = collections.namedtuple('Activations', 'normalized painting before_tanh')
Activations.__doc__ = """What a loss may ask of a generator's inside.

Fields:
    normalized: list of float32 [N, h, w, C], what each normalization is given.
    painting: list of the same, what the last two layers give before ReLU.
    before_tanh: float32 [N, H', W', 3], what the last convolution gives.
"""

SYSTEMS = {
    'resnet_in': System(True, 'instance', False, "the paper's model, formulas (7), (8), (11)"),
    'cnn': System(False, 'none', False, 'the paper, Fig. 8 and Table III'),
    'cnn_bn': System(False, 'batch', False, 'the paper, Fig. 8 and Table III'),
    'fnst': System(True, 'batch', False, 'Johnson et al. 2016'),
    'resnet_contrast': System(True, 'contrast', False, "the paper's formula (10), the step before (11)"),
    'resnet_any': System(True, 'instance', True, 'any picture as a style: Ghiasi et al. 2017, and a palette'),
}


def generator(image, style_weights, system, width, training=False, impl='auto', look_inside=False, row=None):
    """Restyles photos in one pass (paper, Fig. 4).

    Args:
        image: float32 [N, H, W, 3], RGB in [0, 255], any H and W from 1 up.
        style_weights: float32 [N, S]; the last column is the weight of `identity`.
        system: a key of SYSTEMS.
        width: channels of the first layer; 32 is the paper's scale, tests use fewer.
        training: Python bool; whether batch norm uses the batch's own statistics.
        impl: which instance norm runs: 'auto', 'reference' or 'fused'.
        look_inside: whether the Activations are wanted, too.
        row: float32 [N or 1, row_size(width)], in the order of `split_row`: what is added to the mix of
            the styles' rows, such as a row from a style predictor times its share; or None. For a system
            with a palette.

    Returns:
        (stylized, restyled), and the Activations where they are wanted: float32 [N, H, W, 3] in
        [0, 255], to the rounding of tanh (0.00002).
        `restyled` is what the network paints; `stylized` is the same with the photo let through
        by the share of `identity`.

    Raises:
        ValueError: the system is unknown, or S is not known when the graph is built.
    """
    if system not in SYSTEMS:
        raise ValueError('unknown system %r; there are: %s' % (system, ', '.join(sorted(SYSTEMS))))
    config = SYSTEMS[system]
    normalized, painting = [], []  # what each normalization is given; what the last two give
    added, added_palette = split_row(row, width)
    added = iter(added)

    def layer(x, filters, size, stride, name, activation='relu'):
        with tf.variable_scope(name):
            x = conv(x, filters, size, stride)
            normalized.append(x)
            return normalize(x, style_weights, config.normalization, activation, training, impl,
                             next(added))

    def up(x, filters, name):
        if not look_inside:
            return layer(upsample(x), filters, 3, 1, name)
        painting.append(layer(upsample(x), filters, 3, 1, name, None))
        return tf.nn.relu(painting[-1])

    with tf.variable_scope('generator'):
        padded, top, left = pad_to_grid(image)
        x = padded / 127.5 - 1.0
        with tf.variable_scope('down'):
            x = layer(x, width, 9, 1, 'conv1')
            x = layer(x, width * 2, 3, 2, 'conv2')  # [N, H/2, W/2, 64]
            x = layer(x, width * 4, 3, 2, 'conv3')  # [N, H/4, W/4, 128]
        with tf.variable_scope('residual'):
            for block in range(1, RESIDUAL_BLOCKS + 1):
                with tf.variable_scope('block%d' % block):
                    residual = layer(x, width * 4, 3, 1, 'conv1')
                    if config.residual:
                        x = x + layer(residual, width * 4, 3, 1, 'conv2', None)  # (7), (8)
                    else:
                        x = layer(residual, width * 4, 3, 1, 'conv2')
        with tf.variable_scope('up'):
            x = up(x, width * 2, 'conv1')  # [N, H/2, W/2, 64]
            x = up(x, width, 'conv2')  # [N, H, W, 32]
            with tf.variable_scope('conv3'):
                x = conv(x, 3, 9, 1) + tf.get_variable('bias', [3], initializer=tf.zeros_initializer())
        activations = Activations(normalized, painting, x)
        size = tf.shape(image)

        def crop(x):
            return x[:, top:top + size[1], left:left + size[2], :]

        if config.palette:
            with tf.variable_scope('palette'):
                wanted = mixed_palette(image / 127.5 - 1.0, style_weights, added_palette)
                x = palettes.clip(palettes.take_on(crop(x), wanted), training)
                restyled = 127.5 * (x + 1.0)
        else:
            restyled = crop(127.5 * (tf.tanh(x, name='tanh') + 1.0))
        restyled.set_shape(image.shape)
        stylized = let_photo_through(image, restyled, style_weights)
    return (stylized, restyled, activations) if look_inside else (stylized, restyled)


def conv(x, filters, size, stride):
    """Convolution (1) with reflection padding and no bias; `kernel` is [size, size, C, filters]."""
    kernel = tf.get_variable('kernel', [size, size, x.shape.as_list()[-1], filters],
                             initializer=tf.variance_scaling_initializer(2.0))
    # An even picture needs one pixel less at its end under stride 2.
    before, after = size // 2, size // 2 - (stride - 1)
    x = tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]], 'REFLECT', name='pad')
    return tf.nn.conv2d(x, kernel, [1, stride, stride, 1], 'VALID', name='conv')


def upsample(x):
    """The stride-1/2 step: linear interpolation to twice the size.

    Nearest neighbour turns a slow change into stairs, which the convolution behind it can draw
    as lines a grid apart; a transposed convolution draws a checkerboard (Odena et al. 2016).
    """
    size = tf.shape(x)[1:3] * 2
    return tf.image.resize_bilinear(x, size, name='upsample')  # [N, 2H, 2W, C]


def normalize(x, style_weights, normalization, activation, training, impl, added=None):
    """Normalizes, then applies each sample's own mix of the styles' gamma and beta rows.

    Conditional instance normalization (Dumoulin et al. 2017); with one style it is formula (11).
    `added` is what comes to the mix, gamma and beta, or None.
    """
    styles, channels = style_weights.shape.as_list()[-1], x.shape.as_list()[-1]
    if not styles:
        raise ValueError('the number of styles must be known: style_weights has shape %s'
                         % style_weights.shape)
    tables = [tf.get_variable(name, [styles, channels], initializer=initializer())
              for name, initializer in (('gamma', tf.ones_initializer),
                                        ('beta', tf.zeros_initializer))]
    gamma, beta = [tf.matmul(style_weights, table) for table in tables]  # [N, C]
    if added:
        gamma, beta = gamma + added[0], beta + added[1]
    if normalization == 'instance':
        return instance_norm(x, gamma, beta, activation=activation, impl=impl)
    if normalization == 'batch':
        x = tf.layers.batch_normalization(x, momentum=0.9, epsilon=1e-5, center=False, scale=False,
                                          training=training, fused=False, name='batch_norm')
    elif normalization == 'contrast':
        x = contrast_norm(x) * tf.cast(tf.reduce_prod(tf.shape(x)[1:3]), tf.float32)
    gamma, beta = [tf.reshape(row, [-1, 1, 1, channels]) for row in (gamma, beta)]  # [N, 1, 1, C]
    x = x * gamma + beta
    return tf.nn.relu(x) if activation == 'relu' else x


def mixed_palette(photo, style_weights, added=None):
    """Each sample's own mix of the styles' palettes; `identity` has the palette of the photo itself.

    Args:
        photo: float32 [N, H, W, 3] in [-1, 1].
        style_weights: float32 [N, S].
        added: float32 [N or 1, 9], what comes to the mix, or None.

    Returns:
        float32 [N, 9]; the table is the variable `table` [S, 9], whose last row is not used.
    """
    table = tf.get_variable('table', [style_weights.shape.as_list()[-1], NUMBERS], trainable=False,
                            initializer=tf.zeros_initializer())
    with tf.name_scope('photo'):
        own = palettes.palette_of(photo)
    mix = tf.matmul(style_weights[:, :-1], table[:-1]) + style_weights[:, -1:] * own
    return mix if added is None else mix + added


def split_row(row, width):
    """Takes a style's row apart.

    Args:
        row: float32 [N, row_size(width)], or None.
        width: channels of the first layer.

    Returns:
        (list of (gamma, beta), float32 [N, C] each, palette float32 [N, 9]); of None each is None.
    """
    if row is None:
        return [None] * len(norm_channels(width)), None
    parts, start = [], 0
    for channels in norm_channels(width):
        middle, end = start + channels, start + 2 * channels
        parts.append((row[:, start:middle], row[:, middle:end]))
        start = end
    return parts, row[:, start:]


def contrast_norm(x, epsilon=1e-3):
    """Formula (10): every element over the sum of its channel in its own sample.

    Args:
        x: float32 [N, H, W, C].
        epsilon: the mean that a channel's mean is moved to when it is nearer to zero than that.

    Returns:
        float32 [N, H, W, C].
    """
    mean = tf.reduce_mean(x, [1, 2], keepdims=True)
    sign = tf.where(mean < 0, -tf.ones_like(mean), tf.ones_like(mean))
    mean = sign * tf.maximum(tf.abs(mean), epsilon)
    positions = tf.cast(tf.reduce_prod(tf.shape(x)[1:3]), tf.float32)
    return x / (mean * positions)


def pad_to_grid(image):
    """Reflects a picture's edges until both sides are multiples of 4 and at least SMALLEST.

    Args:
        image: float32 [N, H, W, 3], H and W from 1 up.

    Returns:
        (padded, top, left): float32 [N, H', W', 3] and where in it the picture starts.
    """
    size = tf.shape(image)

    def reflected(length):
        target = tf.maximum(SMALLEST, (length + 3) // 4 * 4)
        before = (target - length) // 2
        period = tf.maximum(2 * (length - 1), 1)
        # A whole number of periods on top of -before: converters to ONNX and TFLite take the
        # remainder of a negative number wrong.
        index = tf.floormod(tf.range(target) + before * (period - 1), period)
        return tf.minimum(index, period - index), before

    with tf.name_scope('pad_to_grid'):
        rows, top = reflected(size[1])
        columns, left = reflected(size[2])
        padded = tf.gather(tf.gather(image, rows, axis=1), columns, axis=2)
    padded.set_shape([image.shape[0], None, None, 3])
    return padded, top, left


def let_photo_through(photo, restyled, style_weights):
    """Opens a skip from the photo by the square of the share of `identity`.

    The square keeps the skip shut while styles rule, so that half strength is painted at half
    strength and not a double exposure, and is as continuous as the mix itself.
    """
    share = tf.square(tf.clip_by_value(style_weights[:, -1], 0.0, 1.0))
    share = tf.reshape(share, [-1, 1, 1, 1])  # [N, 1, 1, 1]
    return tf.add(restyled * (1.0 - share), photo * share, name='let_photo_through')
