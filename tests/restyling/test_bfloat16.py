"""Restyling in bfloat16: near float32 and not equal, in one pass and in tiles; one line without."""

import functools
import os
import subprocess
import sys
import types

import networks
import numpy as np
import pytest
import running

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch, bfloat16, precision
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles.large import SMALLEST_TILE, stylize_rows
from resnet_in_tf.tiles.network import FixedNetwork
from resnet_in_tf.tiles.rows import MemorySink, MemorySource
from resnet_in_tf.video import painting

LACK = bfloat16.lack()
needs_bfloat16 = pytest.mark.skipif(LACK is not None, reason='no bfloat16: %s' % LACK)


@pytest.fixture(autouse=True, scope='module')
def cache(tmp_path_factory):
    """The cache folder of this module."""
    before = os.environ.get('RESNET_IN_TF_CACHE')
    folder = os.environ['RESNET_IN_TF_CACHE'] = str(tmp_path_factory.mktemp('cache'))
    yield folder
    os.environ.pop('RESNET_IN_TF_CACHE')
    if before is not None:
        os.environ['RESNET_IN_TF_CACHE'] = before


@pytest.fixture(scope='module')
def pair():
    """The network that ships without its predictor, in float32 and in bfloat16 by --precision auto."""
    stylizers = [Stylizer(networks.CHECKPOINT, precision=name) for name in ('float32', 'auto')]
    assert [stylizer.engine.precision.name for stylizer in stylizers] == ['float32', 'bfloat16']
    yield stylizers
    for stylizer in stylizers:
        stylizer.close()


def assert_near(half, full):
    """Pictures that are near, and do not come from the same numbers."""
    assert half.shape == full.shape
    assert precision.LEAST_PSNR < precision.psnr(half, full) < precision.SAME_PSNR


@pytest.mark.skipif(LACK is None, reason='there is bfloat16 here')
def test_where_there_is_none_it_is_one_line_and_auto_runs_float32(random_model, photo):
    with pytest.raises(UserError, match='^--precision bfloat16: .*; take float32 or auto$') as caught:
        Stylizer(random_model, precision='bfloat16')
    assert LACK in str(caught.value) and '\n' not in str(caught.value)
    with Stylizer(random_model, precision='auto') as one, Stylizer(random_model) as other:
        assert one.engine.precision == precision.Choice('float32', LACK)
        weights = one.style_weights('wave')
        assert (one.stylize(photo, weights) == other.stylize(photo, weights)).all()


def test_onnxruntime_has_none(random_model):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('tf2onnx')
    with pytest.raises(UserError, match='^--precision bfloat16: onnxruntime computes in float32'):
        Stylizer(random_model, engine='onnxruntime', precision='bfloat16')
    with Stylizer(random_model, engine='onnxruntime', precision='auto') as stylizer:
        assert stylizer.engine.precision == ('float32', 'onnxruntime computes in float32')


def test_a_gpu_is_left_to_float32(monkeypatch):
    monkeypatch.setattr(bfloat16, 'gpu_is_visible', lambda: True)
    monkeypatch.setattr(bfloat16, 'has_bfloat16', lambda: True)
    assert bfloat16.lack() == 'a GPU runs the network, and bfloat16 is for processors'


@needs_bfloat16
def test_one_picture_and_several_stay_near(pair, face):
    full, half = pair
    assert 'dB from those of float32' in half.engine.precision.why
    weights = full.style_weights('wave:0.5,udnie:0.5')
    for photos in (face[200:330, 300:437], np.stack([face[:90, :80], face[300:390, 500:580]])):
        assert_near(half.stylize(photos, weights), full.stylize(photos, weights))


@needs_bfloat16
def test_what_the_check_found_is_kept(pair, cache, monkeypatch):
    assert [name for name in os.listdir(cache) if name.startswith('bfloat16-')]

    def measure(*args):
        raise AssertionError('measured again')

    monkeypatch.setattr(bfloat16, 'lowest_psnr', measure)
    with Stylizer(networks.CHECKPOINT, precision='auto') as again:
        assert again.engine.precision == pair[1].engine.precision
    with pytest.raises(AssertionError, match='measured again'):
        Stylizer(networks.CHECKPOINT, impl='reference', precision='auto')


@needs_bfloat16
@pytest.mark.parametrize('exact', [False, True])
def test_tiles_stay_near(pair, face, exact):
    photo = face[200:500, 300:640]
    weights = pair[0].style_weights('wave')
    painted = []
    for half in (False, True):
        network = FixedNetwork(pair[0].engine.graph_def, half)
        sink = MemorySink(*photo.shape[:2], has_alpha=False)
        stylize_rows(network, MemorySource(photo), sink, weights, SMALLEST_TILE ** 2, exact)
        network.close()
        painted.append(sink.pixels.astype(np.float32))
    assert_near(painted[1], painted[0])
    if exact:  # the statistics are those of the whole picture
        assert_near(painted[1], pair[1].stylize(photo, weights))


@needs_bfloat16
def test_a_pipeline_that_tiles_has_its_tiles_in_bfloat16(pair, face, tmp_path, monkeypatch):
    images.write(str(tmp_path / 'photo.png'), face[:300, :340])
    opened = []

    def recorded(tiles):
        opened.append(tiles.args[1])  # whether it is to run in halves
        return tiles()
    monkeypatch.setattr('resnet_in_tf.restyling.pipeline.pixels_in', lambda *args: 300)
    for stylizer in pair:
        monkeypatch.setattr(stylizer, 'engine', stylizer.engine._replace(
            tiles=functools.partial(recorded, stylizer.engine.tiles)))
        jobs = batch.plan(str(tmp_path / 'photo.png'), str(tmp_path / 'out.png')).jobs
        summary = batch.stylize_files(stylizer, jobs, stylizer.style_weights('wave'), overwrite=True)
        assert not summary.failed
    assert opened == [False, True]


@needs_bfloat16
@pytest.mark.parametrize('tiles', [False, True])
def test_frames_of_a_film_stay_near(pair, face, tiles):
    frames = face[None, 200:500, 300:640]
    film = types.SimpleNamespace(path='clip.mp4', width=340, height=300)
    weights, painted = pair[0].style_weights('wave'), []
    for stylizer in pair:
        room = painting.HELD_BYTES * 300 * 340 + memory.run_bytes(stylizer.engine.width) * 85000
        most = memory.resident() + memory.SLACK + (room if tiles else 2 ** 31)
        painter = painting.Painter(stylizer, weights, film, most)
        assert (painter.fixed is not None) == tiles
        painted.append(painter(frames, 0, [True])[0].astype(np.float32))
        painter.close()
    assert_near(painted[1], painted[0])


@needs_bfloat16
def test_rows_of_paintings_are_those_of_float32(tmp_path, paintings, monkeypatch):
    model = networks.write_random(tmp_path / 'any.pb', 'resnet_any', encode=networks.encode)
    rows = []
    for name in ('float32', 'bfloat16'):
        monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path / name))
        with Stylizer(model, precision=name) as stylizer:
            rows.append(stylizer.style_weights(None, images=paintings))
    assert (rows[0] == rows[1]).all()


@needs_bfloat16
def test_a_tensorflow_that_ignores_it_is_found_out(random_model):
    code = ('from resnet_in_tf.restyling.stylizer import Stylizer\n'
            'print(Stylizer(%r, precision=%r).engine.precision)')
    environment = dict(os.environ, TF_ENABLE_ONEDNN_OPTS='0', PYTHONPATH=running.ROOT)
    said = subprocess.run([sys.executable, '-c', code % (random_model, 'auto')], stdout=subprocess.PIPE,
                          env=environment, universal_newlines=True, check=True).stdout
    assert "name='float32'" in said and 'TF_ENABLE_ONEDNN_OPTS' in said


def test_stylize_py_says_in_one_line_what_runs_and_why(random_model, photo, tmp_path):
    images.write(str(tmp_path / 'photo.png'), photo)
    # No kernel is compiled then, which would be said, too.
    command = ['stylize.py', '--model', random_model, '--impl=reference', '--input', tmp_path / 'photo.png',
               '--output']
    plain, auto, naas = running.many([
        command + [tmp_path / 'plain.png'], command + [tmp_path / 'auto.png', '--precision=auto'],
        ['stylize.py', '--system=naas', '--style_image', tmp_path / 'photo.png', '--precision=auto',
         '--input', tmp_path / 'photo.png', '--output', tmp_path / 'naas.png']])
    assert (plain.returncode, plain.stderr) == (0, '')
    assert auto.returncode == 0 and auto.stderr.count('\n') == 1
    if LACK:
        assert auto.stderr == 'note: precision float32: %s\n' % LACK
        assert (images.read(str(tmp_path / 'auto.png')) == images.read(str(tmp_path / 'plain.png'))).all()
    else:
        assert auto.stderr.startswith('note: precision ') and ' dB from those of float32' in auto.stderr
    assert naas.stderr == 'error: --precision is not for --system naas; there is --bfloat16\n'
