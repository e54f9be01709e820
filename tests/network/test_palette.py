"""The palette in closed form: what a picture takes on is what the other has."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.network import palette
from resnet_in_tf.pictures.color import TO_YUV
from resnet_in_tf.pictures.palette import palette_of_picture


def run(function, *arrays):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(array, tf.float32) for array in arrays]))


@pytest.fixture(scope='module')
def pictures(face):
    """Two pictures in [-1, 1] of different colours: float32 [2, 40, 50, 3]."""
    crops = np.stack([face[300:340, 400:450], 255 - face[100:140, 600:650, ::-1] // 2])
    return (crops / 127.5 - 1).astype(np.float32)


def moments(picture):
    """Mean [3] and covariance [3, 3] of a picture in YUV, in double precision."""
    yuv = picture.reshape(-1, 3).astype(np.float64) @ TO_YUV.T
    return yuv.mean(axis=0), np.cov(yuv.T, bias=True)


def test_a_palette_is_mean_and_cholesky_factor_in_yuv(pictures):
    for picture, found in zip(pictures, run(palette.palette_of, pictures)):
        mean, covariance = moments(picture)
        factor = np.linalg.cholesky(covariance + palette.EPSILON * np.eye(3))
        assert found[:3] == pytest.approx(mean, abs=1e-5)
        assert found[3:] == pytest.approx([factor[place] for place in palette.LOWER], abs=1e-4)


def test_numpy_and_the_graph_agree(pictures):
    for picture, found in zip(pictures, run(palette.palette_of, pictures)):
        assert palette_of_picture((picture + 1) * 127.5) == pytest.approx(found, abs=1e-4)


def test_a_picture_with_the_palette_of_itself_comes_back(pictures):
    assert run(lambda x: palette.take_on(x, palette.palette_of(x)), pictures) == pytest.approx(
        pictures, abs=1e-4)


def test_mean_and_covariance_become_those_of_the_other(pictures):
    taken = run(lambda x, y: palette.take_on(x, palette.palette_of(y)), pictures, pictures[::-1])
    for result, other in zip(taken, pictures[::-1]):
        (mean, covariance), (wanted, wanted_covariance) = moments(result), moments(other)
        assert mean == pytest.approx(wanted, abs=1e-4)
        # EPSILON stands for a colour that the picture itself hardly has, and is not painted.
        assert covariance == pytest.approx(wanted_covariance, abs=30 * palette.EPSILON)


def test_luminance_stays_luminance(pictures):
    taken = run(lambda x, y: palette.take_on(x, palette.palette_of(y)), pictures, pictures[::-1])
    for result, picture in zip(taken, pictures):
        assert np.corrcoef((result @ TO_YUV[0]).ravel(), (picture @ TO_YUV[0]).ravel())[0, 1] > 0.9999


@pytest.mark.parametrize('shape', [(1, 1), (1, 7), (4, 4)])
def test_one_colour_becomes_the_mean_colour(pictures, shape):
    flat = np.full((2,) + shape + (3,), 0.3, np.float32)
    taken = run(lambda x, y: palette.take_on(x, palette.palette_of(y)), flat, pictures)
    assert taken == pytest.approx(np.broadcast_to(pictures.mean(axis=(1, 2), keepdims=True), taken.shape),
                                  abs=1e-4)


@pytest.mark.parametrize('color', [(0, 0, 0), (255, 255, 255), (0, 40, 255)])
def test_the_palette_of_one_colour_is_that_colour(pictures, color):
    found = palette_of_picture(np.full([3, 2, 3], color, np.uint8))
    assert found == pytest.approx(run(palette.palette_of, np.full([1, 3, 2, 3], color) / 127.5 - 1)[0],
                                  abs=1e-5)
    taken = run(lambda x, y: palette.take_on(x, y), pictures, np.stack([found] * 2))
    assert np.isfinite(taken).all() and taken == pytest.approx(
        np.broadcast_to(np.float32(color) / 127.5 - 1, taken.shape), abs=0.2)


def test_a_grey_picture_is_finite_and_keeps_the_mean(pictures):
    grey = np.repeat(pictures[..., :1], 3, 3)
    taken = run(lambda x, y: palette.take_on(x, palette.palette_of(y)), grey, pictures)
    assert np.isfinite(taken).all()
    assert taken.mean(axis=(1, 2)) == pytest.approx(pictures.mean(axis=(1, 2)), abs=1e-4)


def test_mixing_palettes_goes_from_one_to_the_other(pictures):
    one, other = run(palette.palette_of, pictures)
    half = run(palette.take_on, pictures[:1], ((one + other) / 2)[None])[0]
    assert moments(half)[0] == pytest.approx((one[:3] + other[:3]) / 2, abs=1e-4)


@pytest.mark.parametrize('kind', ['picture', 'grey', 'flat'])
def test_gradients_are_finite_and_those_of_differences(pictures, kind):
    x = {'picture': pictures, 'grey': np.repeat(pictures[..., :1], 3, 3),
         'flat': np.full_like(pictures, 0.25)}[kind][:1, :5, :6]
    wanted = run(palette.palette_of, pictures[1:])
    direction = np.random.RandomState(0).normal(size=x.shape).astype(np.float32)
    target = np.random.RandomState(1).normal(size=x.shape).astype(np.float32)

    def loss(x):
        return tf.reduce_sum(palette.take_on(x, tf.constant(wanted)) * target)
    gradient = run(lambda x: tf.gradients(loss(x), x)[0], x)
    assert np.isfinite(gradient).all() and abs(gradient).max() < 1e4
    if kind == 'picture':
        step = 1e-3
        difference = (run(loss, x + step * direction) - run(loss, x - step * direction)) / (2 * step)
        assert (gradient * direction).sum() == pytest.approx(difference, rel=0.02)


def test_clipping_lets_the_gradient_through_in_training_alone():
    x = np.float32([[[[-3, 0.5, 2]]]])
    for training, expected in ((True, [1, 1, 1]), (False, [0, 1, 0])):
        clipped, gradient = run(lambda x, t=training: (palette.clip(x, t), tf.gradients(
            palette.clip(x, t), x)[0]), x)
        assert clipped.ravel().tolist() == [-1, 0.5, 1] and gradient.ravel().tolist() == expected
