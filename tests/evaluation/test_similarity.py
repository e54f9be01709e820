"""Structural similarity against closed forms."""

import numpy as np
import pytest

from resnet_in_tf.evaluation import similarity


def grey(values):
    return np.repeat(np.asarray(values, np.float64)[:, :, None], 3, 2)


def test_a_picture_is_itself(face):
    assert similarity.ssim(face[:64, :80], face[:64, :80]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize('size', [(40, 30), (11, 11), (3, 5), (1, 1)])
def test_two_flat_pictures_differ_by_their_means_alone(size):
    # Formula (6) of the paper with both variances zero.
    expected = (2 * 50 * 80 + 6.5025) / (50 ** 2 + 80 ** 2 + 6.5025)
    assert similarity.ssim(grey(np.full(size, 50)), grey(np.full(size, 80))) == pytest.approx(expected)


def test_against_a_flat_picture_of_the_same_mean_only_the_contrast_counts():
    # A checkerboard of +-A has, under the window, mean 0 and variance A^2 to one part in a thousand.
    board = 100 + 20.0 * (-1) ** np.add.outer(np.arange(32), np.arange(32))
    expected = 58.5225 / (20 ** 2 + 58.5225)
    assert similarity.ssim(grey(board), grey(np.full((32, 32), 100))) == pytest.approx(expected, rel=2e-3)


def test_a_negative_has_the_sign_turned():
    board = 20.0 * (-1) ** np.add.outer(np.arange(32), np.arange(32))
    expected = (-2 * 20 ** 2 + 58.5225) / (2 * 20 ** 2 + 58.5225)
    assert similarity.ssim(grey(100 + board), grey(100 - board)) == pytest.approx(expected, rel=2e-3)


def test_colour_of_the_same_lightness_does_not_count(face):
    photo = np.clip(face[:64, :64].astype(float), 60, 190)
    shifted = photo + [0.587 * 30, -0.299 * 30, 0]  # no change of 0.299 R + 0.587 G
    assert similarity.ssim(photo, shifted) == pytest.approx(1, abs=1e-9)


def test_a_blurred_photo_is_less_alike_and_another_photo_least(face):
    photo, other = face[:128, :128].astype(float), face[400:528, 500:628].astype(float)
    soft = np.stack([similarity.blurred(photo[..., channel]) for channel in range(3)], 2)
    assert similarity.ssim(photo, other) < 0.5 < similarity.ssim(photo, soft) < 0.99
