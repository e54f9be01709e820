"""VGG-16 and VGG-19: their convolutions, and the names of the layers that losses can ask for."""

from resnet_in_tf.errors import UserError

INPUT, LIGHTNESS = 'input', 'lightness'  # layers of the pixels themselves, before any convolution
CHANNELS = (64, 128, 256, 512, 512)  # of each block's convolutions
POOL_BEFORE = ('conv2_1', 'conv3_1', 'conv4_1', 'conv5_1')


def _convolutions(*counts):
    """[(name, Cin, Cout)] of an architecture with so many 3x3 convolutions in each block."""
    table, before = [], 3
    for block, (count, channels) in enumerate(zip(counts, CHANNELS), 1):
        for number in range(1, count + 1):
            table.append(('conv%d_%d' % (block, number), before, channels))
            before = channels
    return tuple(table)


# Simonyan and Zisserman 2015, Table 1, columns D and E.
ARCHITECTURES = {'VGG-16': _convolutions(2, 2, 3, 3, 3),
                 'VGG-19': _convolutions(2, 2, 4, 4, 4)}


def layer_names(architecture):
    """The layers of an architecture, from the pixels to the deepest: tuple of str."""
    return (INPUT, LIGHTNESS) + tuple(name.replace('conv', 'relu')
                                      for name, _, _ in ARCHITECTURES[architecture])


def check_layers(layers, architecture='VGG-19'):
    """Returns layer names as a tuple.

    Args:
        layers: list of str.
        architecture: a key of ARCHITECTURES; VGG-19 has every layer that VGG-16 has.

    Raises:
        UserError: the architecture lacks one of them, or there is none.
    """
    known = layer_names(architecture)
    unknown = [layer for layer in layers if layer not in known]
    if unknown or not layers:
        raise UserError('%s has no layer %s; it has: %s' % (
            architecture, ', '.join(map(repr, unknown)) or "''", ', '.join(known)))
    return tuple(layers)


def convolutions(layers, architecture='VGG-19'):
    """The convolutions that lead to the deepest of `layers`: [(name, Cin, Cout)]."""
    known = layer_names(architecture)
    deepest = max(known.index(layer) for layer in layers)
    return ARCHITECTURES[architecture][:max(0, deepest - known.index(LIGHTNESS))]
