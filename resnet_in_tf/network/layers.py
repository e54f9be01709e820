"""The layers of a generator by their names, and how many numbers a style has in them."""

from resnet_in_tf.pictures.palette import NUMBERS

RESIDUAL_BLOCKS = 5
PALETTES = 'generator/palette/table'  # variable with a palette for each style
FIRST_KERNEL = 'generator/down/conv1/kernel'
# Where a network with a palette gives each picture its colours: what it is given, its own palette and the
# photo's, and the map between colours that is made of them.
GIVEN, OWN, PHOTO, MATRIX, SHIFT = ['generator/palette/' + name for name in (
    'given', 'palette', 'photo/palette', 'matrix', 'shift')]
# Behind the scope of a norm in an ONNX network: what it is given, and what it gives; MIXED stands behind the
# names of its gamma and beta where they are those of the mix of styles.
CONV, SHIFTED, MIXED = '/conv', '/shifted', '_mixed'
NORM_EPSILON = 1e-5  # of formula (11)
LAST_LAYER = 'generator/up/conv3'  # with a bias, and no normalization
MIXED_PALETTE = 'generator/palette/mixed'  # of the mix of styles, without the photo's
# How often a scope's features are halved. What is not under one is as large as the picture.
LEVELS = {'generator/down/conv1/': 0, 'generator/down/conv2/': 1, 'generator/down/conv3/': 2,
          'generator/residual/': 2, 'generator/up/conv1/': 1, 'generator/up/conv2/': 0}
PICTURE = 'picture'  # a level that is not padded
# Scopes of what a network with regions paints beside: in each style alone, and in all of them by region.
SMALL = 'small/'
SINGLE, JOINT = SMALL + 'single/', SMALL + 'joint/'


def level(name):
    """The size of features under a scope: a value of LEVELS, or PICTURE."""
    return next((number for prefix, number in LEVELS.items() if name.startswith(prefix)), PICTURE)


def norm_channels(width):
    """Channels of each normalization, from the first to the last."""
    return [width, 2 * width] + [4 * width] * (1 + 2 * RESIDUAL_BLOCKS) + [2 * width, width]


def norm_scopes():
    """Variable scopes of the same."""
    return (['generator/down/conv%d' % number for number in (1, 2, 3)]
            + ['generator/residual/block%d/conv%d' % (block, number)
               for block in range(1, RESIDUAL_BLOCKS + 1) for number in (1, 2)]
            + ['generator/up/conv%d' % number for number in (1, 2)])


def row_size(width):
    """How many numbers a style has: gamma and beta of every normalization, and a palette."""
    return 2 * sum(norm_channels(width)) + NUMBERS
