"""A photo that moves a little: whole pixels by hand, the loss of what moves along and of what does not."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import steady


def run(function, *arguments):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(argument, tf.float32) for argument in arguments]))


def test_a_shift_by_whole_pixels_takes_each_from_there():
    image = np.random.RandomState(0).uniform(0, 255, [2, 5, 7, 3])
    flow = np.zeros([2, 5, 7, 2])
    flow[1] = [1, -2]  # from one row below and two columns to the left
    warped, inside = run(steady.warp, image, flow)
    assert np.allclose(warped[0], image[0]) and inside[0].all()
    assert np.allclose(warped[1, :4, 2:], image[1, 1:, :5], atol=1e-4)
    assert inside[1, :4, 2:].all() and not inside[1, 4].any() and not inside[1, :, :2].any()


def test_between_pixels_it_is_linear():
    ramp = np.arange(6.0)[None, None, :, None] * 10 + np.arange(4.0)[None, :, None, None]
    flow = np.full([1, 4, 6, 2], 0.25)
    warped, inside = run(steady.warp, ramp, flow)
    assert np.allclose((warped - ramp)[:, :3, :5], 2.75, atol=1e-4) and inside[:, :3, :5].all()


def test_a_flow_is_smooth_small_and_a_function_of_its_seed():
    def flows(*seeds):
        with tf.Graph().as_default(), tf.Session() as session:
            return session.run([steady.random_flow([2, 64, 96, 3], tf.constant(seed)) for seed in seeds])
    first, again, other = flows([0, 5], [0, 5], [0, 6])
    assert np.array_equal(first, again) and not np.allclose(first, other)
    assert first.shape == (2, 64, 96, 2) and not np.allclose(first[0], first[1])
    assert 0.3 < first[..., 0].std() / (steady.REACH * 64) < 1.5
    assert abs(np.diff(first, axis=1)).max() < 1 and abs(np.diff(first, axis=2)).max() < 1


def test_what_moves_with_the_photo_costs_nothing_and_what_stays_behind_does():
    image = np.random.RandomState(1).uniform(0, 255, [1, 8, 8, 3])
    flow = np.full([1, 8, 8, 2], 2.0)
    along = run(steady.warp, image, flow)[0]
    assert run(steady.steady_loss, image, along, flow) == pytest.approx([0], abs=1e-9)
    expected = np.mean(((image[0, 2:, 2:] - image[0, :-2, :-2]) / 255) ** 2)
    assert run(steady.steady_loss, image, image, flow) == pytest.approx([expected], rel=1e-4)
