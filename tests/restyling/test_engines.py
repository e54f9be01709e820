"""onnxruntime in TensorFlow's place: the same pictures, converted once, and clear refusals."""

import contextlib
import os
import shutil
import sys

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import onnx_model
from resnet_in_tf.instance_norm import cache as kernel_cache
from resnet_in_tf.network import frozen, onnx_generator, onnx_predictor
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import engines
from resnet_in_tf.restyling.stylizer import Stylizer

pytest.importorskip('tf2onnx')
pytest.importorskip('onnxruntime')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('network') / 'net.pb')


@pytest.fixture(scope='module')
def filled_cache(model, tmp_path_factory):
    """A cache folder that holds the kernel and the converted network."""
    folder = str(tmp_path_factory.mktemp('cache'))
    shutil.copy(kernel_cache.build(), folder)
    onnx_model.cached(*frozen.read_graph(model), folder=folder)
    return folder


@pytest.fixture
def cache(filled_cache, monkeypatch):
    monkeypatch.setenv('RESNET_IN_TF_CACHE', filled_cache)
    return filled_cache


def test_both_engines_give_the_same_pictures(model, cache, face):
    one, other = Stylizer(model), Stylizer(model, engine='onnxruntime')
    assert other.style_names == one.style_names and other.card == one.card
    mix = one.style_weights('wave:0.3,udnie:0.7', 0.8)
    for photo in (face[300:371, 500:553], face[100:104, 100:102], np.stack([face[:30, :44]] * 2)):
        wanted, result = one.stylize(photo, mix), other.stylize(photo, mix)
        assert result.shape == photo.shape and result.dtype == np.float32
        assert abs(result - wanted).max() < 0.1
    one.close()
    other.close()


def test_a_network_is_converted_once(model, cache, monkeypatch):
    def convert(*args):
        raise AssertionError('converted again')

    monkeypatch.setattr(onnx_generator, 'serialized', convert)
    Stylizer(model, engine='onnxruntime').close()
    changed = networks.write_random(os.path.join(cache, 'other.pb'), seed=1)
    with pytest.raises(AssertionError, match='converted again'):
        Stylizer(changed, engine='onnxruntime')


def test_a_converted_network_that_was_cut_short_is_made_anew(model, cache, tmp_path, monkeypatch):
    name, = [name for name in os.listdir(cache) if name.endswith('.onnx')]
    with open(os.path.join(cache, name), 'rb') as file:
        data = file.read()
    (tmp_path / name).write_bytes(data[:-100])
    monkeypatch.setattr(onnx_generator, 'serialized', lambda *args: data)
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path))
    Stylizer(model, engine='onnxruntime').close()
    assert (tmp_path / name).read_bytes() == data


@pytest.mark.parametrize('engine', ['tensorflow', 'onnxruntime'])
def test_the_kind_of_a_model_is_told_by_what_is_in_it(model, cache, tmp_path, engine):
    shutil.copy(model, str(tmp_path / 'network.bin'))
    with contextlib.closing(Stylizer(str(tmp_path / 'network.bin'), engine=engine)) as stylizer:
        assert (stylizer.engine.width, stylizer.engine.name) == (4, engine)
        assert stylizer.engine.graph_def.node


def test_a_cache_that_cannot_be_written_is_done_without(model, cache, tmp_path, monkeypatch,
                                                        caplog):
    (tmp_path / 'file').write_text('')
    converted = os.path.join(cache, next(name for name in os.listdir(cache) if '.onnx' in name))
    with open(converted, 'rb') as file:
        data = file.read()
    monkeypatch.setattr(onnx_generator, 'serialized', lambda *args: data)
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path / 'file' / 'cache'))
    Stylizer(model, engine='onnxruntime').close()
    assert 'the converted network is not kept' in caplog.text
    assert os.listdir(str(tmp_path)) == ['file']


@pytest.fixture(scope='module')
def any_model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('any') / 'any.pb', 'resnet_any',
                                 encode=networks.encode)


@pytest.fixture(scope='module')
def folder_of_any(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('cache_of_any'))
    shutil.copy(kernel_cache.build(), folder)
    return folder


@pytest.fixture
def cache_of_any(folder_of_any, monkeypatch):
    monkeypatch.setenv('RESNET_IN_TF_CACHE', folder_of_any)
    return folder_of_any


def predictors(folder):
    return [name for name in os.listdir(folder) if name.startswith('predictor-')]


def test_both_engines_paint_after_any_picture(any_model, cache_of_any, face, paintings, monkeypatch):
    one, other = Stylizer(any_model), Stylizer(any_model, engine='onnxruntime')
    assert not predictors(cache_of_any)  # before it is needed
    for stylizer in (one, other):
        monkeypatch.setattr(stylizer.style_images, 'checksum', None)  # or one would have the other's rows
    for mix in ((None, 1, paintings), ('wave:2', .7, paintings[:1])):
        wanted, result = one.style_weights(*mix), other.style_weights(*mix)
        assert result == pytest.approx(wanted, abs=1e-4)
        photos = np.stack([face[300:371, 500:553], face[:71, :53]])
        assert abs(other.stylize(photos, result) - one.stylize(photos, wanted)).max() < 0.1
    assert len(predictors(cache_of_any)) == 1
    assert one.engine.checksum() == other.engine.checksum()
    one.close()
    other.close()


def test_a_style_predictor_is_opened_once_and_only_for_a_new_picture(any_model, cache_of_any, paintings,
                                                                     monkeypatch):
    opened = []
    session = onnx_predictor.session
    monkeypatch.setattr(onnx_predictor, 'session', lambda *args: opened.append(args) or session(*args))
    with contextlib.closing(Stylizer(any_model, engine='onnxruntime')) as stylizer:
        stylizer.style_weights('wave')
        assert not opened
        rows = [stylizer.style_weights(None, images=[path]) for path in paintings]
        assert len(opened) == 1
    with contextlib.closing(Stylizer(any_model, engine='onnxruntime')) as stylizer:
        for path, row in zip(paintings, rows):
            assert (stylizer.style_weights(None, images=[path]) == row).all()
    assert len(opened) == 1  # the rows are on disk


def test_stylize_py_writes_the_same_file_with_either_engine(model, cache, tmp_path, face):
    images.write(str(tmp_path / 'photo.png'), face[200:261, 400:477])
    commands = [['stylize.py', '--model=' + model, '--engine=' + engine, '--style=wave',
                 '--input=%s' % (tmp_path / 'photo.png'), '--output=%s.png' % (tmp_path / engine)]
                for engine in sorted(engines.ENGINES)]
    for result in running.many(commands):
        assert (result.returncode, result.stderr) == (0, '')
    one, other = [images.read('%s.png' % (tmp_path / engine)).astype(int)
                  for engine in sorted(engines.ENGINES)]
    assert one.shape == (61, 77, 3) and one.std() > 10
    assert abs(one - other).max() <= 1


def test_an_onnx_file_is_a_model_too(model, cache, tmp_path, face):
    name, = [name for name in os.listdir(cache) if name.endswith('.onnx')]
    with contextlib.closing(Stylizer(os.path.join(cache, name), engine='onnxruntime')) as stylizer:
        assert stylizer.styles == ['wave', 'udnie'] and stylizer.card == {'steps': 7}
        assert stylizer.stylize(face[:9, :7], [0, 0, 1]).shape == (9, 7, 3)
    with pytest.raises(UserError, match='add --engine onnxruntime'):
        Stylizer(os.path.join(cache, name), engine='tensorflow')


def test_what_cannot_run_is_one_line(model, cache, tmp_path, monkeypatch):
    import onnx
    foreign = onnx.helper.make_model(onnx.helper.make_graph(
        [onnx.helper.make_node('Relu', ['x'], ['y'])], 'other',
        [onnx.helper.make_tensor_value_info('x', 1, [1])],
        [onnx.helper.make_tensor_value_info('y', 1, [1])]),
        opset_imports=[onnx.helper.make_opsetid('', 11)])
    foreign.ir_version = 6
    (tmp_path / 'foreign.onnx').write_bytes(foreign.SerializeToString())
    (tmp_path / 'damaged.onnx').write_bytes(b'not a network at all')
    for name, engine, impl, message in (
            (str(tmp_path / 'foreign.onnx'), 'onnxruntime', 'auto', 'not one of freeze_graph.py'),
            (str(tmp_path / 'damaged.onnx'), 'onnxruntime', 'auto', 'onnxruntime cannot open it'),
            (str(tmp_path / 'missing.onnx'), 'onnxruntime', 'auto', 'No such file'),
            (str(tmp_path / 'missing.pb'), 'onnxruntime', 'auto', 'No such file'),
            (model, 'onnxruntime', 'fused', 'a kernel for TensorFlow'),
            (model, 'openvino', 'auto', 'there are auto, onnxruntime, tensorflow')):
        with pytest.raises(UserError, match=message) as caught:
            Stylizer(name, impl, engine)
        assert '\n' not in str(caught.value)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(UserError, match=r"pip install 'resnet_in_tf\[onnx\]'"):
        Stylizer(model, engine='onnxruntime')
