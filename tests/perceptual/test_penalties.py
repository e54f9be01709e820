"""Penalties cost nothing inside their bounds, and outside what pen and paper say."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import penalties


def price(function, x):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(tf.constant(x, tf.float32)))


def test_what_tanh_can_still_move_is_free_and_beyond_it_the_square_of_the_rest_is_paid():
    x = np.zeros([1, 2, 2, 2])
    x[0, 0] = [[2.0, -2.0], [1.0, -0.5]]
    assert price(penalties.saturation, x) == 0
    x[0, 1] = [[5.0, -3.0], [2.0, 0.0]]  # 3 and 1 too far
    assert price(penalties.saturation, x) == pytest.approx((9 + 1) / 8)


def test_a_spike_is_paid_and_even_features_of_any_size_are_not():
    x = np.random.RandomState(0).choice([-1.0, 1.0], [2, 10, 10, 3]) * 1000
    assert price(penalties.spikes, x) == 0
    x = np.zeros([1, 10, 10, 1])
    x[0, 3, 4] = 100.0  # mean 1, deviation sqrt(99): 99 / sqrt(99) = 9.95 deviations away
    assert price(penalties.spikes, x) == pytest.approx((np.sqrt(99) - 4) ** 2 / 100, rel=1e-4)
    assert price(penalties.spikes, np.full([1, 4, 4, 2], 7.0)) == 0  # no deviation at all


def test_each_picture_has_its_own_deviation():
    x = np.zeros([2, 10, 10, 1])
    x[0, 3, 4], x[1, ::2] = 100.0, 1000.0
    assert price(penalties.spikes, x) == pytest.approx((np.sqrt(99) - 4) ** 2 / 200, rel=1e-4)


def test_one_channel_is_enough_for_a_pixel_not_to_be_silent():
    x = np.full([1, 1, 2, 3], -5.0)
    x[..., 1] = 0.1
    assert price(penalties.silence, x) == 0
    x[0, 0, 1] = [-0.5, -0.4, -9.0]  # the loudest is 0.5 below 0.1
    assert price(penalties.silence, x) == pytest.approx(0.25 / 2)
