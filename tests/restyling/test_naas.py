"""NAAS: training's own losses, pixels that lower them, and stylize.py --system naas."""

import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation.perceptual import PerceptualMeter
from resnet_in_tf.perceptual.loss_defaults import LOSS_DEFAULTS
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import naas

LAYERS = {'content_layers': ['relu2_1'], 'style_layers': ['input', 'relu1_1', 'relu2_1']}


@pytest.fixture(scope='module')
def painting(face):
    return face[380:460, 560:680]


@pytest.fixture(scope='module')
def photo(face):
    return face[96:128, 400:448]


@pytest.fixture(scope='module')
def painter(painting):
    opened = naas.Naas(painting, vgg_weights='random', **LAYERS)
    yield opened
    opened.close()


def test_losses_are_those_of_training(painting, photo, monkeypatch):
    """NAAS's loss of its own last picture is what training's losses say of that picture."""
    monkeypatch.setitem(LOSS_DEFAULTS, 'random', LOSS_DEFAULTS['random']._replace(
        content_layers=('relu2_1',), style_layers=('relu1_1',)))
    painter = naas.Naas(painting, vgg_weights='random', content_weight=2.0, style_weight=3.0,
                        tv_weight=5.0)
    trace = []
    pixels = painter.stylize(photo, 3, trace.append)
    painter.close()
    meter = PerceptualMeter([painting], 'random', content_weight=2.0, style_weight=3.0, tv_weight=5.0)
    wanted = meter.look_at(photo)
    parts, _ = meter.measure(wanted, pixels, 0)
    untouched, _ = meter.measure(wanted, photo, 0)
    meter.close()
    for name in ('total', 'content', 'style'):
        assert getattr(trace[-1], name) == pytest.approx(parts[name], rel=1e-3)
    assert untouched['content'] == pytest.approx(0, abs=1e-9)
    assert parts['total'] < untouched['total']


def test_each_iteration_lowers_the_loss_and_pixels_stay_in_range(painter, photo):
    trace = []
    pixels = painter.stylize(photo, 8, trace.append)
    totals = [progress.total for progress in trace]
    assert [progress.iteration for progress in trace] == list(range(1, 9))
    assert all(later < former for former, later in zip(totals, totals[1:]))
    assert pixels.shape == photo.shape and pixels.dtype == np.float32
    assert 0 <= pixels.min() and pixels.max() <= 255
    np.testing.assert_allclose(pixels, trace[-1].pixels, atol=1e-3)


def test_the_style_comes_nearer(painter, photo):
    trace = []
    painter.stylize(photo, 10, trace.append)
    assert trace[-1].style < 0.6 * trace[0].style


def test_the_same_photo_gives_the_same_picture(painter, photo):
    np.testing.assert_array_equal(painter.stylize(photo, 2), painter.stylize(photo, 2))


def test_no_iterations_are_refused(painter, photo):
    with pytest.raises(UserError, match='--iterations 0'):
        painter.stylize(photo, 0)


@pytest.mark.slow
def test_stylize_script_paints_with_progress_and_refuses_what_does_not_fit(painting, photo,
                                                                           tmp_path):
    style, source = str(tmp_path / 'style.png'), str(tmp_path / 'photo.png')
    images.write(style, painting)
    images.write(source, photo)
    common = ['stylize.py', '--system=naas', '--vgg_weights=random', '--iterations=12',
              '--style_size=48', '--input=' + source]
    good, no_style, strength, no_file = running.many([
        common + ['--style_image=' + style, '--output=%s' % (tmp_path / 'out.png')],
        common + ['--output=%s' % (tmp_path / 'x.png')],
        common + ['--style_image=' + style, '--strength=0.5', '--output=%s' % (tmp_path / 'x.png')],
        common + ['--style_image=none.png', '--output=%s' % (tmp_path / 'x.png')]])
    assert good.returncode == 0, good.stderr
    assert 'iteration 10 of 12' in good.stderr and 'iteration 12 of 12' in good.stderr
    assert '1 done' in good.stdout
    painted = images.read(str(tmp_path / 'out.png'))
    assert painted.shape == photo.shape and np.abs(painted - photo.astype(float)).mean() > 3
    for result, word in ((no_style, '--style_image'), (strength, '--strength'),
                         (no_file, 'none.png')):
        assert result.returncode == 2
        assert result.stderr.startswith('error: ') and word in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / 'x.png').exists()
