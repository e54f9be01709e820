"""Dead patches and pixel patterns, on pictures whose measure is known."""

import numpy as np
import pytest

from resnet_in_tf.evaluation import texture

ROWS, COLUMNS = np.mgrid[:64, :96].astype(float)


def grey(values):
    return np.repeat(np.asarray(values, np.float64)[:, :, None], 3, 2)


@pytest.mark.parametrize('pattern', [
    (-1) ** (ROWS + COLUMNS), np.sqrt(2) * np.cos(np.pi / 2 * COLUMNS), np.sqrt(2) * np.sin(np.pi / 2 * ROWS),
    (-1) ** ROWS, np.sqrt(2) * np.cos(2 * np.pi * 3 / 8 * (ROWS - COLUMNS))],
    ids=['checkerboard', 'stripes of 4', 'lines of 4', 'lines of 2', 'diagonal'])
@pytest.mark.parametrize('sky', [0 * ROWS, 0.7 * ROWS - 0.4 * COLUMNS], ids=['even', 'slope'])
def test_a_pattern_of_few_pixels_has_its_own_deviation(pattern, sky):
    assert texture.pixel_patterns(grey(120 + sky + 5 * pattern)) == pytest.approx(5, rel=2e-2)


@pytest.mark.parametrize('picture', [0.9 * ROWS, 40 * np.cos(2 * np.pi * COLUMNS / 48)],
                         ids=['slope', 'wave'])
def test_what_changes_slowly_is_no_pattern(picture):
    assert texture.pixel_patterns(grey(120 + picture)) < 0.5


def test_white_noise_has_the_share_of_its_frequencies():
    noise = np.random.RandomState(0).normal(0, 10, [256, 256])
    coarse = 5.0 ** 2 / 16 ** 2  # frequencies of -2 to 2 cycles a patch, both ways
    assert texture.pixel_patterns(grey(noise)) == pytest.approx(10 * np.sqrt(1 - coarse), rel=3e-2)


def test_only_the_patches_asked_for_count():
    picture = grey(np.where(COLUMNS < 48, 100, 100 + 8 * (-1) ** (ROWS + COLUMNS)))
    left = np.tile([True, True, True, False, False, False], 4)
    assert texture.pixel_patterns(picture, left) == pytest.approx(0, abs=1e-9)
    assert texture.pixel_patterns(picture, ~left) == pytest.approx(8, rel=1e-6)
    assert np.isnan(texture.pixel_patterns(picture, np.zeros(24, bool)))


def test_the_share_without_texture_is_of_the_area():
    rough = np.random.RandomState(0).normal(0, 10, ROWS.shape)
    picture = grey(100 + 0.8 * COLUMNS + np.where(ROWS < 48, 0, rough))
    assert texture.textureless_share(picture) == 0.75
    assert texture.without_texture(picture).tolist() == [True] * 18 + [False] * 6
    assert texture.textureless_share(picture[:50, :37]) == 1  # what is no whole patch counts nothing
    assert np.isnan(texture.textureless_share(picture[:15]))


def test_a_stripe_of_an_eye_s_threshold_is_texture():
    for strength, share in ((0.9 * texture.FLAT, 1), (1.1 * texture.FLAT, 0)):
        assert texture.textureless_share(grey(100 + strength * (-1) ** COLUMNS)) == share
