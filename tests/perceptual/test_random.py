"""Random filters as a loss network: one seed, one network; its scale; and the layers of the pixels."""

import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import vgg


@pytest.fixture(scope='module')
def network():
    return vgg.open_weights('random:3', ('relu1_1', 'relu2_1'))


@pytest.fixture(scope='module')
def calibrated(network):
    """What the network makes of the pictures that it was calibrated on."""
    return vgg.evaluate(vgg.calibration_pictures(), ['relu1_1', 'relu1_2', 'relu2_1'], network)


def test_one_seed_is_one_network(network):
    vgg.random_weights.cache_clear()
    assert vgg.open_weights('random:3', ('relu2_1',)).checksum == network.checksum
    assert vgg.open_weights('random:4', ('relu2_1',)).checksum != network.checksum
    assert vgg.open_weights('random', ('relu1_1',)).name == 'random:0'


def test_a_deeper_network_of_a_seed_begins_with_the_shallower_one(network):
    assert sorted(network.kernels) == ['conv1_1', 'conv1_2', 'conv2_1']  # no deeper than is used
    first = vgg.open_weights('random:3', ('relu1_1',)).kernels
    assert list(first) == ['conv1_1'] and (first['conv1_1'][0] == network.kernels['conv1_1'][0]).all()


def test_filters_have_zero_mean_equal_norm_and_no_bias(network):
    for kernel, bias in network.kernels.values():
        assert abs(kernel.mean(axis=(0, 1, 2))).max() < 1e-6 * abs(kernel).max()
        norms = np.sqrt((kernel ** 2).sum(axis=(0, 1, 2)))
        assert norms == pytest.approx(np.full_like(norms, norms[0]), rel=1e-4) and not bias.any()


def test_each_layer_activates_with_mean_one_and_is_standardised_per_channel(network, calibrated):
    for layer, features in calibrated.items():
        mean, deviation = network.statistics[layer]
        assert (features * deviation + mean).mean() == pytest.approx(1, abs=1e-3)
        assert (features * deviation + mean).min() == pytest.approx(0, abs=1e-3)  # ReLU's
        flat = features.reshape([-1, features.shape[-1]])
        assert abs(flat.mean(axis=0)).max() < 1e-2
        varied = deviation > 0.05
        assert varied.mean() > 0.9
        assert flat.std(axis=0)[varied] == pytest.approx(np.ones(varied.sum()), abs=1e-2)


def test_real_photos_activate_it_much_as_its_own_pictures_do(network, face):
    features = vgg.evaluate(face[None, 300:428, 400:528].astype('float32'), ['relu2_1'], network)
    mean, deviation = network.statistics['relu2_1']
    assert 0.3 < (features['relu2_1'] * deviation + mean).mean() < 3


def test_its_own_pictures_are_always_the_same():
    one, other = vgg.calibration_pictures(2, 32, 20), vgg.calibration_pictures(2, 32, 20)
    assert (one == other).all() and one.shape == (2, 32, 32, 3) and one.dtype == np.float32
    assert 0 <= one.min() < one.max() <= 255


def test_a_picture_of_one_pixel_is_valid(network):
    features = vgg.evaluate(np.full([1, 1, 1, 3], 90, np.float32), ['input', 'relu2_1'], network)
    assert features['relu2_1'].shape == (1, 1, 1, 128) and np.isfinite(features['relu2_1']).all()


def test_input_layer_is_the_colour_beside_a_one():
    network = vgg.open_weights('random', ('input',))
    assert network.kernels == {}
    picture = np.float32([[[vgg.MEAN, (255, 255, 255)]]])
    features = vgg.evaluate(picture, ['input'], network)['input'][0, 0]
    assert features[0] == pytest.approx([0, 0, 0, 1], abs=1e-4)
    assert features[1] == pytest.approx(list((255 - np.array(vgg.MEAN)) / vgg.DEVIATION) + [1], 1e-4)


def test_lightness_knows_light_from_dark_and_neither_colour_nor_contrast():
    network = vgg.open_weights('random', ('lightness',))
    picture = np.zeros([3, 16, 32, 3], np.float32)
    picture[0] = 99
    picture[1, :, 16:] = 255
    picture[2, :, 16:] = [0, 200, 100]
    flat, grey, green = vgg.evaluate(picture, ['lightness'], network)['lightness']
    assert abs(flat).max() < 1e-3 and grey.shape == (2, 4, 1)
    assert grey[:, :2] == pytest.approx(-1, abs=0.05) and grey[:, 2:] == pytest.approx(1, abs=0.05)
    assert green == pytest.approx(grey, abs=0.05)


def test_a_layer_or_a_seed_that_is_none_is_one_line():
    for layers in (['conv1_1'], ['relu6_1'], []):
        with pytest.raises(UserError, match='^VGG-19 has no layer .*; it has: input, '):
            vgg.check_layers(layers)
    for spec in ('random:x', 'random:-1', 'random:1.5', 'random:4294967296', 'random:\u00b2',
                 'random:' + '9' * 5000):
        with pytest.raises(UserError, match='^--vgg_weights random:.*: the seed must be a whole number'):
            vgg.open_weights(spec, ('input',))
