"""Each formula of the losses gives the value that pen and paper give."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import losses


def value(function, *arrays):
    """A loss of arrays, run: numpy in, numpy out."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(array, tf.float32) for array in arrays]))


@pytest.fixture(scope='module')
def pair():
    generator = np.random.RandomState(3)
    return generator.normal(size=[2, 5, 7, 3]), generator.normal(size=[2, 5, 7, 3])


def test_content_loss_is_half_the_sum_of_squares():  # (2)
    features, target = np.full([2, 3, 5, 4], 3.0), np.ones([2, 3, 5, 4])
    target[1] = 3.0
    assert value(losses.content_loss, features, target).tolist() == [0.5 * 4 * 60, 0]


def test_feature_loss_is_the_sum_of_squares_over_c_h_w():  # (9)
    features, target = np.zeros([2, 3, 5, 4]), np.zeros([2, 3, 5, 4])
    features[0, 1, 2, 3] = 6.0
    assert value(losses.feature_loss, features, target) == pytest.approx([36 / 60, 0])


def test_content_and_feature_loss_differ_by_half_c_h_w(pair):
    assert value(losses.content_loss, *pair) == pytest.approx(
        value(losses.feature_loss, *pair) * 5 * 7 * 3 / 2, rel=1e-5)


def test_gram_matrix_of_ones_is_all_h_times_w():  # (3)
    ones = np.ones([2, 3, 5, 4])
    assert (value(losses.gram_matrix, ones) == 15).all()
    assert (value(losses.mean_gram, ones) == 1).all()


def test_gram_matrix_is_the_inner_product_of_channels_of_each_sample(pair):
    features = pair[0]
    gram = value(losses.gram_matrix, features)
    for n in range(2):
        for i in range(3):
            for j in range(3):
                assert gram[n, i, j] == pytest.approx(
                    (features[n, :, :, i] * features[n, :, :, j]).sum(), rel=1e-4)


def test_gram_matrix_forgets_where_things_are(pair):
    shuffled = np.random.RandomState(0).permutation(pair[0].reshape([2, 35, 3]).swapaxes(0, 1))
    assert value(losses.gram_matrix, shuffled.swapaxes(0, 1).reshape([2, 7, 5, 3])) == pytest.approx(
        value(losses.gram_matrix, pair[0]), abs=1e-4)


def test_style_layer_loss_is_gatys_formula_where_sizes_agree(pair):  # (4), N channels, M positions
    photo, painting = pair
    gram, target = [np.einsum('nhwi,nhwj->nij', x, x) for x in pair]
    gatys = ((gram - target) ** 2).sum(axis=(1, 2)) / (4.0 * 3 ** 2 * 35 ** 2)
    assert value(lambda x, y: losses.style_layer_loss(losses.mean_gram(x), losses.mean_gram(y)),
                 photo, painting) == pytest.approx(gatys, rel=1e-4)


def test_style_layer_loss_of_ones_against_zeros_is_a_quarter():
    assert value(losses.style_layer_loss, np.ones([2, 6, 6]), np.zeros([6, 6])).tolist() == [.25, .25]


def test_style_layer_loss_does_not_depend_on_the_size_of_the_painting():
    tile = np.random.RandomState(1).normal(size=[1, 4, 4, 3])
    grams = [value(losses.mean_gram, np.tile(tile, [1, count, 2, 1])) for count in (1, 3)]
    assert grams[0] == pytest.approx(grams[1], abs=1e-5)


def test_style_loss_is_the_weighted_sum_over_layers():  # (5)
    grams = [np.full([1, 2, 2], size) for size in (1.0, 2.0)]
    targets = [np.zeros([1, 2, 2])] * 2
    def weighted(a, b, x, y):
        return losses.style_loss({'a': a, 'b': b}, {'a': x, 'b': y}, {'a': 3.0, 'b': 0.5})
    assert value(weighted, *(grams + targets)).tolist() == [3.0 * 0.25 + 0.5 * 1.0]


def test_relative_weights_make_an_empty_picture_cost_one():
    generator = np.random.RandomState(5)
    targets = [generator.normal(size=[2, 3, 3]), 100 * generator.normal(size=[2, 4, 4])]
    def empty(a, b):
        both = {'a': a, 'b': b}
        return losses.style_loss({name: tf.zeros_like(gram) for name, gram in both.items()}, both,
                                 losses.relative_layer_weights(both))
    assert value(empty, *targets) == pytest.approx([1, 1], rel=1e-5)


def test_total_loss_is_alpha_style_plus_beta_content():  # (6)
    assert value(lambda style, content: losses.total_loss(style, content, 4.0, 0.5),
                 [1.0, 2.0], [10.0, 20.0]).tolist() == [9.0, 18.0]


def test_total_variation_of_a_flat_picture_is_zero_and_of_a_ramp_its_squared_slope():
    picture = np.zeros([3, 4, 6, 3])
    picture[0] = 77
    picture[1] = 51 * np.arange(4)[:, None, None]  # steps of a fifth of the range downwards
    picture[2] = 51 * np.arange(6)[None, :, None] - 25.5 * np.arange(4)[:, None, None]
    assert value(losses.total_variation, picture) == pytest.approx([0, 0.04, 0.04 + 0.01], abs=1e-6)


def test_pixel_loss_of_black_against_white_is_one():
    black, white = np.zeros([2, 3, 4, 3]), np.full([2, 3, 4, 3], 255.0)
    white[1] = 127.5
    assert value(losses.pixel_loss, black, white) == pytest.approx([1, 0.25])


def test_moments_are_the_mean_and_the_deviation_of_each_channel():
    features = np.zeros([1, 2, 2, 2])
    features[0, :, :, 0] = [[1, 1], [5, 5]]
    features[0, :, :, 1] = 7
    found = value(losses.channel_moments, features)
    assert found.shape == (1, 2, 2) and found[0] == pytest.approx(np.array([[3, 7], [2, 0]]), abs=2e-3)


def test_moment_loss_is_in_units_of_each_channel():
    moments, target = np.zeros([1, 2, 2]), np.array([[[2.0, 0], [0, 30]]])
    assert value(losses.moment_loss, moments, target, np.array([1.0, 10])) == pytest.approx(
        [(2.0 ** 2 + 3.0 ** 2) / 4])
