"""The meter of finished pictures: nought where there is nothing to pay, and training's own weights."""

import numpy as np
import pytest

from resnet_in_tf.evaluation.features import FeatureReader
from resnet_in_tf.evaluation.perceptual import PerceptualMeter
from resnet_in_tf.perceptual.loss_defaults import loss_defaults


@pytest.fixture(scope='module')
def paintings():
    random = np.random.RandomState(0)
    return [random.randint(0, 256, [48, 48, 3]).astype(np.uint8), np.full([48, 48, 3], 90, np.uint8)]


@pytest.fixture(scope='module')
def meter(paintings):
    meter = PerceptualMeter(paintings, 'random', content_weight=2.0, style_weight=7.0, tv_weight=0.0)
    yield meter
    meter.close()


def test_the_photo_itself_has_no_content_loss_and_the_painting_no_style_loss(meter, paintings, face):
    photo = face[:48, :48]
    wanted = meter.look_at(photo)
    untouched, _ = meter.measure(wanted, photo, 0)
    assert untouched['content'] == pytest.approx(0, abs=1e-9) and untouched['style'] > 0.01
    painted, _ = meter.measure(wanted, paintings[0], 0)
    assert painted['content'] > 0.01 and painted['style'] == pytest.approx(0, abs=1e-6)
    assert meter.measure(wanted, paintings[0], 1)[0]['style'] > 0.01  # the other painting is another


def test_unevenness_is_the_step_between_two_tones_where_the_photo_has_one(meter):
    photo = np.full([48, 48, 3], 120, np.uint8)
    tones = np.where(np.arange(48) < 24, 120, 150)[None, :, None] * np.ones([48, 1, 3])
    # Of six cells in a row d of 6 - d pairs cross the border; along the columns none does.
    crossing, pairs = 6 * (1 + 2 + 2), 2 * 6 * (5 + 4 + 2)
    found = meter.measure(meter.look_at(photo), tones, 0)[0]['unevenness']
    assert found == pytest.approx(30 * np.sqrt(crossing / pairs), rel=1e-3)
    assert meter.measure(meter.look_at(photo), photo, 0)[0]['unevenness'] == pytest.approx(0, abs=0.05)
    noise = np.random.RandomState(0).randint(0, 256, [48, 48, 3]).astype(np.uint8)
    assert np.isnan(meter.measure(meter.look_at(noise), tones, 0)[0]['unevenness'])


def test_the_total_is_weighed_as_it_was_told(meter, paintings, face):
    found, _ = meter.measure(meter.look_at(face[:48, :48]), face[100:148, 200:248], 0)
    assert found['total'] == pytest.approx(2.0 * found['content'] + 7.0 * found['style'], rel=1e-5)


def test_it_gives_a_judge_what_a_reader_of_the_style_layers_would(meter, paintings, face):
    reader = FeatureReader('random', loss_defaults('random').style_layers)
    _, statistics = meter.measure(meter.look_at(face[:48, :48]), paintings[0], 0)
    assert np.allclose(statistics, reader.statistics([paintings[0]])[0], rtol=1e-4, atol=1e-4)
    reader.close()
