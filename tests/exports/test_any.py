"""A network that takes any picture as a style: what each format holds of it, beside its named styles."""

import contextlib
import os
import shutil

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf import exports
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import tflite_model
from resnet_in_tf.network import frozen, onnx_predictor
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.restyling import engines
from resnet_in_tf.restyling.stylizer import Stylizer

WIDTH = 2
NONE = np.zeros([1, 3], np.float32)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('any') / 'any.pb', 'resnet_any', WIDTH,
                                 encode=networks.encode)


@pytest.fixture(scope='module')
def graph_def(model):
    return frozen.read_graph(model)[0]


@pytest.fixture(scope='module')
def photo(face):
    return face[None, 300:341, 400:453].astype(np.float32)


@pytest.fixture(scope='module')
def onnx_file(model, tmp_path_factory):
    pytest.importorskip('tf2onnx')
    pytest.importorskip('onnxruntime')
    path = str(tmp_path_factory.mktemp('onnx') / 'any.onnx')
    written = exports.export(model, 'onnx', path)
    assert [item.path for item in written] == [path, path.replace('.onnx', '_predictor.onnx')]
    assert max(item.difference for item in written) < 0.1
    return path


def expected_row(graph_def, painting):
    return networks.run(graph_def, 'style_row:0', {'style_image:0': painting})


def test_onnx_paints_named_styles_with_two_inputs_and_takes_a_row_as_a_third(onnx_file, graph_def, photo):
    import onnxruntime
    session = onnxruntime.InferenceSession(onnx_file, providers=['CPUExecutionProvider'])
    assert [item.name for item in session.get_inputs()] == ['image', 'style_weights']
    assert [(item.name, item.shape) for item in session.get_overridable_initializers()] == [
        ('row', ['rows', row_size(WIDTH)])]
    named = {'image': np.concatenate([photo, photo[:, ::-1]]),
             'style_weights': np.eye(2, 3, dtype=np.float32)}
    rows = np.concatenate([expected_row(graph_def, photo), expected_row(graph_def, photo / 2)])
    added = dict(named, style_weights=np.zeros([2, 3], np.float32), row=rows)
    for feeds in (named, added):
        result, = session.run(['stylized'], feeds)
        wanted = networks.run(graph_def, 'stylized:0', {name + ':0': value for name, value in feeds.items()})
        assert abs(result - wanted).max() < 0.1


def test_onnx_predictor_makes_the_rows_of_the_network_at_any_size(onnx_file, graph_def, face):
    import onnxruntime
    session = onnxruntime.InferenceSession(onnx_predictor.beside(onnx_file),
                                           providers=['CPUExecutionProvider'])
    for height, width in ((40, 30), (1, 1), (2, 90), (91, 1)):
        painting = face[None, 99:99 + height, 80:80 + width].astype(np.float32)
        row, = session.run(['style_row'], {'style_image': painting})
        assert row == pytest.approx(expected_row(graph_def, painting), rel=1e-4, abs=1e-4)


def test_onnx_keeps_what_was_float16_in_half_its_bytes(onnx_file):
    import onnx
    graph = onnx.load(onnx_predictor.beside(onnx_file)).graph
    kinds = {tuple(tensor.dims): tensor.data_type for tensor in graph.initializer
             if len(tensor.dims) == 4 and tensor.dims[2] == 3}
    assert kinds == {(4, 3, 3, 3): onnx.TensorProto.FLOAT16, (4, 4, 3, 3): onnx.TensorProto.FLOAT16}


def test_an_onnx_file_takes_any_picture_as_a_style(onnx_file, model, photo, paintings):
    mixes = [('wave:2', .8, paintings), (None, 1, paintings[:1])]
    with contextlib.closing(Stylizer(model)) as one, \
            contextlib.closing(Stylizer(onnx_file, engine='onnxruntime')) as other:
        for mix in mixes:
            wanted, result = [each.stylize(photo[0], each.style_weights(*mix)) for each in (one, other)]
            assert abs(result - wanted).max() < 0.1
        assert other.engine.checksum() and one.engine.checksum()


def test_a_predictor_that_is_missing_or_anothers_is_one_line(onnx_file, tmp_path, photo):
    copy = str(tmp_path / 'any.onnx')
    beside = onnx_predictor.beside(copy)
    shutil.copy(onnx_file, copy)
    engine = engines.start('onnxruntime', copy)
    assert np.isfinite(engine.run(photo, np.eye(1, 3, dtype=np.float32))).all()  # named styles do without
    with pytest.raises(UserError, match='any_predictor.onnx: No such file'):
        engine.predict(photo[0])
    shutil.copy(onnx_file, beside)
    with pytest.raises(UserError, match='any_predictor.onnx: not the style predictor of the network beside'):
        engine.predict(photo[0])
    shutil.copy(onnx_predictor.beside(onnx_file), beside)
    assert engine.predict(photo[0]).shape == (row_size(WIDTH),)
    with pytest.raises(UserError, match='not one of freeze_graph.py'):
        Stylizer(beside, engine='onnxruntime')


def test_saved_model_has_signatures_for_rows(model, graph_def, photo, tmp_path):
    folder = str(tmp_path / 'saved')
    written, = exports.export(model, 'saved_model', folder)
    assert written.difference < 1
    row = expected_row(graph_def, photo)
    with tf.Graph().as_default(), tf.Session() as session:
        signatures = tf.saved_model.load(session, ['serve'], folder).signature_def
        assert {'serving_default', 'stylize_jpeg', 'stylize', 'stylize_row', 'style_row'} <= set(signatures)

        def call(name, **feeds):
            known = signatures[name]
            output, = known.outputs.values()
            return session.run(output.name, {known.inputs[key].name: feeds[key] for key in feeds})
        assert call('style_row', style_image=photo) == pytest.approx(row, rel=1e-4, abs=1e-4)
        painted = call('stylize_row', image=photo, style_weights=NONE, row=row)
    wanted = networks.run(graph_def, 'stylized:0', {'image:0': photo, 'style_weights:0': NONE, 'row:0': row})
    assert abs(painted - wanted).max() < 0.1


@pytest.mark.slow
def test_tflite_holds_the_named_styles(model, tmp_path):
    written, = exports.export(model, 'tflite', str(tmp_path / 'any.tflite'), sizes=['48x32'],
                              weights=['float32'])
    assert written.difference < 1
    with open(written.path, 'rb') as file:
        assert np.isfinite(tflite_model.interpreter(file.read(), 'any')(
            np.zeros([1, 32, 48, 3]), np.eye(1, 3))).all()
    assert os.listdir(str(tmp_path)) == [os.path.basename(written.path)]
