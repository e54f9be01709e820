"""Colours that are moved: closed forms, and what must not happen."""

import numpy as np
import pytest

from resnet_in_tf.pictures import color, oklab


def drawn(seed, mean=(.6, .02, -.03), deviations=(.1, .04, .03)):
    """Colours in OKLab with correlations: float64 [4000, 3]."""
    random = np.random.RandomState(seed)
    return mean + random.randn(4000, 3) @ (np.diag(deviations) @ (np.eye(3) + .3 * random.rand(3, 3)))


def colors_of(lab):
    mean = lab.mean(axis=0)
    return color.Colors(mean, (lab - mean).T @ (lab - mean) / len(lab))


def moved(lab, wanted, amount=1.0):
    matrix, shift = color.color_map(colors_of(lab), wanted, amount)
    return lab @ matrix.T + shift


def test_oklab_is_what_its_author_gives():
    white, red, blue = oklab.from_rgb(np.uint8([[[255, 255, 255], [255, 0, 0], [0, 0, 255]]]))[0]
    np.testing.assert_allclose(white, [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(red, [0.62796, 0.22486, 0.12585], atol=1e-4)
    np.testing.assert_allclose(blue, [0.45201, -0.03246, -0.31153], atol=1e-4)


def test_oklab_and_back_is_the_picture():
    every = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), -1).reshape(1, -1, 3)
    for pixels in (every.astype(np.uint8), every.astype(np.float32)):
        assert np.abs(oklab.to_rgb(oklab.from_rgb(pixels)) - every).max() < 0.05


def test_mean_and_covariance_become_those_of_the_target():
    lab, wanted = drawn(0), colors_of(drawn(1, (.4, -.05, .06), (.2, .02, .06)))
    result = colors_of(moved(lab, wanted))
    np.testing.assert_allclose(result.mean, wanted.mean, atol=1e-9)
    np.testing.assert_allclose(result.covariance, wanted.covariance, rtol=1e-6, atol=1e-12)


def test_of_maps_that_do_so_it_moves_colours_least():
    lab, wanted = drawn(0), colors_of(drawn(1, (.4, -.05, .06), (.2, .02, .06)))
    own = colors_of(lab)
    rotated = (lab - own.mean) @ np.linalg.inv(np.linalg.cholesky(own.covariance)).T @ np.linalg.cholesky(
        wanted.covariance).T + wanted.mean
    assert np.square(moved(lab, wanted) - lab).sum() < np.square(rotated - lab).sum()


def test_equal_colours_stay():
    lab = drawn(0)
    np.testing.assert_allclose(moved(lab, colors_of(lab)), lab, atol=1e-9)


@pytest.mark.parametrize('amount', [0, .25, .5])
def test_a_share_of_the_way_is_that_share_for_each_colour(amount):
    lab, wanted = drawn(0), colors_of(drawn(1))
    whole = moved(lab, wanted) - lab
    np.testing.assert_allclose(moved(lab, wanted, amount) - lab, amount * whole, atol=1e-9)


def test_beyond_one_the_colours_wanted_are_more_vivid_and_as_light():
    lab, wanted = drawn(0), colors_of(drawn(1))
    result, vivid = colors_of(moved(lab, wanted, 1.5)), np.diag([1, 1.5, 1.5])
    np.testing.assert_allclose(result.mean, vivid @ wanted.mean, atol=1e-9)
    np.testing.assert_allclose(result.covariance, vivid @ wanted.covariance @ vivid, rtol=1e-6, atol=1e-12)


def test_noise_in_one_colour_does_not_become_a_picture():
    flat = drawn(0, deviations=(1e-4, 1e-5, 0))
    wanted = colors_of(drawn(1))
    result = colors_of(moved(flat, wanted))
    np.testing.assert_allclose(result.mean, wanted.mean, atol=1e-9)
    assert np.sqrt(np.diag(result.covariance)).max() < color.MOST_GAIN * 1.5e-4
    still = moved(np.tile(np.float64([[.5, 0, 0]]), [9, 1]), wanted)
    np.testing.assert_allclose(still, np.tile(wanted.mean, [9, 1]), atol=1e-9)


def test_a_target_of_one_colour_gives_one_colour():
    wanted = color.Colors(np.array([.5, .1, 0]), np.zeros([3, 3]))
    assert np.abs(moved(drawn(0), wanted) - wanted.mean).max() < 1e-6


def test_colours_of_parts_are_those_of_the_picture(face):
    photo = face[100:300, 100:250]
    whole, parts = color.colors_of([photo]), color.colors_of([photo[:70], photo[70:]])
    lab = colors_of(oklab.from_rgb(photo).reshape(-1, 3).astype(np.float64))
    for each in (whole, parts):
        np.testing.assert_allclose(each.mean, lab.mean, atol=1e-6)
        np.testing.assert_allclose(each.covariance, lab.covariance, atol=1e-7)


def test_a_picture_takes_on_the_colours_of_another(face):
    photo, other = face[100:300, 100:250], face[500:700, 600:750] // 2 + 60
    wanted = color.colors_of([other])
    result = color.match_color(photo, *color.color_map(color.colors_of([photo]), wanted))
    assert result.dtype == np.float32 and result.shape == photo.shape
    assert result.min() >= 0 and result.max() <= 255
    found = color.colors_of([result])
    assert np.abs(found.mean - wanted.mean).max() < .01
    off = np.abs(found.covariance - wanted.covariance).max()  # but for colours that no screen shows
    assert off < .05 * np.trace(wanted.covariance)
    unmoved = color.match_color(photo, np.eye(3), np.zeros(3))
    assert np.abs(unmoved - photo).max() < .5
