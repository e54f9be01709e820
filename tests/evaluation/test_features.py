"""Features of pictures of any size, and their statistics, as numpy computes them."""

import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation.features import FeatureReader

LAYERS = ('relu1_1', 'relu2_1')


@pytest.fixture(scope='module')
def reader():
    reader = FeatureReader('random', LAYERS)
    yield reader
    reader.close()


def test_statistics_are_mean_and_deviation_of_every_channel(reader, face):
    pictures = [face[:40, :56], face[300:332, 200:230]]
    found = reader.statistics(pictures)
    assert found.shape == (2, 2 * (64 + 128))
    for picture, row in zip(pictures, found):
        expected = [part for layer in reader.features(picture)
                    for part in (layer.mean((0, 1)), layer.std((0, 1)))]
        assert np.allclose(row, np.concatenate(expected), rtol=1e-3, atol=1e-4)


def test_layers_come_in_the_order_asked_for_at_their_sizes(reader, face):
    assert [layer.shape for layer in reader.features(face[:40, :56])] == [(40, 56, 64), (20, 28, 128)]


def test_where_the_picture_is_flipped_the_statistics_of_one_colour_do_not_change(reader):
    flat = np.full([24, 32, 3], (200, 30, 90), np.uint8)
    assert np.allclose(*reader.statistics([flat, flat[::-1]]))


def test_a_layer_that_is_none_is_one_line():
    with pytest.raises(UserError, match="has no layer 'relu9_1'"):
        FeatureReader('random', ['relu9_1'])
