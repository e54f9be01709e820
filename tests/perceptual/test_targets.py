"""Gram matrices and moments of paintings: of a flat one by hand, and of the size of none."""

import numpy as np

from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.targets import moment_scales, moment_targets, style_targets


def test_the_gram_matrix_of_one_colour_is_the_product_of_its_channels():
    colours, shapes = [(255, 0, 51), (9, 90, 200)], [(4, 6), (9, 5)]
    paintings = [np.full(shape + (3,), colour, np.uint8) for shape, colour in zip(shapes, colours)]
    target = style_targets(paintings, ('input',), vgg.open_weights('random', ('input',)))['input']
    assert target.shape == (2, 4, 4) and target.dtype == np.float32
    for gram, colour in zip(target, colours):
        features = list((np.array(colour) - vgg.MEAN) / vgg.DEVIATION) + [1]  # the colour beside a one
        assert np.allclose(gram, np.outer(features, features), atol=1e-3)


def test_paintings_come_in_their_order_and_the_size_of_one_does_not_matter():
    random = np.random.RandomState(0)
    small = random.randint(0, 256, [8, 8, 3]).astype(np.uint8)
    tiled, other = np.tile(small, (3, 2, 1)), random.randint(0, 256, [8, 8, 3]).astype(np.uint8)
    found = style_targets([small, other, tiled], ('input',), vgg.open_weights('random', ('input',)))['input']
    assert np.allclose(found[0], found[2], rtol=1e-4)  # over its own number of positions
    assert not np.allclose(found[0], found[1], rtol=1e-2)


def test_moments_of_a_painting_of_two_colours_are_its_mean_and_half_their_distance():
    halves = np.full([4, 6, 3], 50, np.uint8)
    halves[:, 3:] = 150
    moments = moment_targets([halves], ('input',), vgg.open_weights('random', ('input',)))['input']
    assert moments.shape == (1, 2, 4)
    assert np.allclose(moments[0, 0, :3], (100 - np.array(vgg.MEAN)) / vgg.DEVIATION, atol=1e-4)
    assert np.allclose(moments[0, 1, :3], 50 / np.array(vgg.DEVIATION), rtol=1e-3)
    assert moments[0, 1, 3] < 2e-3  # the one beside the colour does not vary


def test_a_channel_s_unit_is_its_deviation_over_all_paintings():
    moments = np.zeros([2, 2, 3], np.float32)
    moments[:, 1] = [[3, 0, 1], [4, 0, 1]]
    scale = moment_scales({'a': moments})['a']
    assert np.allclose(scale[[0, 2]], [12.5 ** 0.5, 1])
    assert 0 < scale[1] < 0.02  # silent in both, and never zero
