"""Exports: files that other programs run, equal to the .pb, whole or not there at all."""

import filecmp
import io
import json
import os
import shutil

import networks
import numpy as np
import pytest
import running
import tensorflow.compat.v1 as tf
from PIL import Image

from resnet_in_tf import exports
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check, tflite_model
from resnet_in_tf.network import frozen
from resnet_in_tf.restyling.stylizer import Stylizer

MIX = np.array([[0.25, 0.5, 0.25]], np.float32)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('network') / 'net.pb')


@pytest.fixture(scope='module')
def stylizer(model):
    stylizer = Stylizer(model, impl='reference')
    yield stylizer
    stylizer.close()


@pytest.fixture(scope='module')
def written(model, tmp_path_factory):
    """Everything that freeze_graph.py writes of one .pb: (folder, stdout by format)."""
    folder = tmp_path_factory.mktemp('exports')
    flags = {'saved_model': ['--output=%s' % (folder / 'served' / '1')],
             'tflite': ['--output=%s' % (folder / 'net.tflite'), '--sizes=50x37']}
    results = running.many([['freeze_graph.py', '--model=' + model, '--format=' + name] + rest
                            for name, rest in flags.items()])
    assert [(result.returncode, result.stderr) for result in results] == [(0, '')] * len(flags)
    return folder, dict(zip(flags, [result.stdout for result in results]))


@pytest.fixture(scope='module')
def onnx_file(model, tmp_path_factory):
    pytest.importorskip('tf2onnx')
    pytest.importorskip('onnxruntime')
    path = str(tmp_path_factory.mktemp('onnx') / 'net.onnx')
    result, = running.many([['freeze_graph.py', '--model=' + model, '--format=onnx',
                             '--output=' + path]])
    assert (result.returncode, result.stderr) == (0, '')
    assert result.stdout.startswith(path) and 'of 255 at most' in result.stdout
    return path


def jpeg(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, 'JPEG', quality=95, subsampling=0)
    return buffer.getvalue()


def decoded(data):
    picture = Image.open(io.BytesIO(data))
    assert picture.format == 'JPEG' and picture.mode == 'RGB'
    return np.asarray(picture, np.float32)


def test_saved_model_restyles_jpegs_of_several_sizes_in_one_call(written, stylizer, face):
    folder = str(written[0] / 'served' / '1')
    files = [jpeg(face[200:261, 300:383]), jpeg(face[400:440, 500:532])]
    weights = np.array([[0, 1, 0], [0.5, 0, 0.5]], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        signatures = tf.saved_model.load(session, ['serve'], folder).signature_def
        assert {'serving_default', 'stylize_jpeg', 'stylize'} <= set(signatures)

        def call(name, feeds):
            known = signatures[name]
            assert set(known.inputs) == set(feeds)
            output, = known.outputs.values()
            return session.run(output.name, {known.inputs[key].name: feeds[key] for key in feeds})

        mixed = call('stylize_jpeg', {'image_bytes': files, 'style_weights': weights})
        first = call('serving_default', {'image_bytes': files[:1]})
        tensor = call('stylize', {'image': face[None, :33, :18].astype('float32'),
                                  'style_weights': MIX})
    answers, rows = list(mixed) + list(first), list(weights) + [[1, 0, 0]]
    for file, answer, row in zip(files + files[:1], answers, rows):
        expected = stylizer.stylize(decoded(file), row)
        assert decoded(answer).shape == expected.shape
        wanted = decoded(jpeg(np.round(expected).astype(np.uint8)))
        assert abs(decoded(answer) - wanted).mean() < 0.1
    assert abs(tensor[0] - stylizer.stylize(face[:33, :18], MIX[0])).max() < 0.1


def test_one_file_that_is_no_picture_fails_its_call_as_the_document_says(written, face):
    with tf.Graph().as_default(), tf.Session() as session:
        known = tf.saved_model.load(session, ['serve'], str(written[0] / 'served' / '1')).signature_def[
            'serving_default']
        feed, fetch = known.inputs['image_bytes'].name, known.outputs['stylized_bytes'].name
        good = jpeg(face[200:230, 300:340])
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(fetch, {feed: [good, b'no picture']})
        assert len(session.run(fetch, {feed: [good]})) == 1  # the next call is answered


def test_saved_model_carries_its_card_and_keeps_its_weights_once(written, model):
    folder = written[0] / 'served' / '1'
    card = json.loads((folder / 'assets.extra' / 'card.json').read_text(encoding='utf-8'))
    assert card == {'steps': 7, 'style_names': networks.STYLE_NAMES}
    assert sorted(os.listdir(str(folder.parent))) == ['1']
    kernels = 0
    saved = (folder / 'saved_model.pb').read_bytes()
    with open(model, 'rb') as file:
        for node in tf.GraphDef.FromString(file.read()).node:
            if node.op == 'Const' and node.name.endswith('residual/block1/conv1/kernel'):
                kernels = saved.count(node.attr['value'].tensor.tensor_content[:256])
    assert kernels == 1


@pytest.mark.parametrize('name', [b'served [v2]', b'served_\xe9'])
def test_a_saved_models_folder_may_be_called_anything(model, tmp_path, name):
    folder = os.path.join(str(tmp_path), os.fsdecode(name))
    item, = exports.export(model, 'saved_model', os.path.join(folder, '1'))
    assert item.bytes > 10000 and os.listdir(folder) == ['1']
    assert {'saved_model.pb', 'assets.extra'} <= set(os.listdir(os.path.join(folder, '1')))


def test_saved_model_is_not_written_over_another(written, model):
    folder = written[0] / 'served'
    before = (folder / '1' / 'saved_model.pb').stat().st_mtime
    with pytest.raises(UserError, match='is there already; name a new folder'):
        exports.export(model, 'saved_model', str(folder / '1'))
    assert (folder / '1' / 'saved_model.pb').stat().st_mtime == before
    assert os.listdir(str(folder)) == ['1']


def interpreter(path):
    made = tf.lite.Interpreter(model_path=str(path))
    inputs = {item['name'].split(':')[0]: item['index'] for item in made.get_input_details()}
    return made, inputs, made.get_output_details()[0]['index']


@pytest.mark.parametrize('name, limit', [('net_50x37.tflite', 0.1),
                                         ('net_50x37_float16.tflite', 2)])
def test_tflite_gives_the_pictures_of_the_pb_at_its_size(written, stylizer, face, name, limit):
    made, inputs, output = interpreter(written[0] / name)
    made.allocate_tensors()
    photo = face[100:137, 600:650].astype(np.float32)
    made.set_tensor(inputs['image'], photo[None])
    made.set_tensor(inputs['style_weights'], MIX)
    made.invoke()
    result = made.get_tensor(output)
    assert result.shape == (1, 37, 50, 3)
    assert abs(result[0] - stylizer.stylize(photo, MIX[0])).max() < limit


@pytest.mark.parametrize('shape', [[1, 50, 37, 3], [1, 74, 50, 3], [1, 37, 25, 3]])
def test_tflite_refuses_another_size_by_itself(written, shape):
    made, inputs, _ = interpreter(written[0] / 'net_50x37.tflite')
    made.resize_tensor_input(inputs['image'], shape)
    with pytest.raises(RuntimeError):
        made.allocate_tensors()
        made.invoke()


def test_tflite_reader_names_the_size_it_takes(written):
    path = written[0] / 'net_50x37.tflite'
    run = tflite_model.interpreter(path.read_bytes(), 'net_50x37.tflite')
    with pytest.raises(UserError, match='pictures of 50 x 37 alone, not 37 x 50; export that size'):
        run(np.zeros([1, 50, 37, 3]), MIX)


def test_tflite_says_size_and_difference_and_float16_is_smaller(written):
    folder, printed = written
    lines = printed['tflite'].splitlines()
    sizes = [os.path.getsize(line.split(': ')[0]) for line in lines]
    assert [os.path.basename(line.split(': ')[0]) for line in lines] == [
        'net_50x37.tflite', 'net_50x37_float16.tflite']
    assert ['%.2f MB' % (size / 1e6) in line for size, line in zip(sizes, lines)] == [True, True]
    differences = [float(line.split('by ')[1].split()[0]) for line in lines]
    assert differences[0] < differences[1] <= check.LIMIT
    assert sizes[1] < 0.9 * sizes[0]


def test_onnx_takes_any_size_and_batch_and_tells_its_styles(onnx_file, stylizer, face):
    import onnx
    import onnxruntime
    session = onnxruntime.InferenceSession(onnx_file, providers=['CPUExecutionProvider'])
    assert {item.name: item.shape for item in session.get_inputs() + session.get_outputs()} == {
        'image': ['N', 'H', 'W', 3], 'style_weights': ['N', 3], 'stylized': ['N', 'H', 'W', 3]}
    for count, height, width in ((1, 1, 1), (1, 37, 50), (2, 64, 41), (1, 3, 90)):
        image = np.stack([face[99:99 + height, left:left + width] for left in (80, 500)[:count]])
        feeds = {'image': image.astype(np.float32), 'style_weights': np.repeat(MIX, count, axis=0)}
        result, = session.run(['stylized'], feeds)
        assert result.shape == image.shape
        assert abs(result - stylizer.stylize(image, MIX[0])).max() < 0.1
    properties = {item.key: json.loads(item.value) for item in onnx.load(onnx_file).metadata_props}
    assert properties == {'style_names': networks.STYLE_NAMES, 'card': {'steps': 7}}


def test_onnx_that_computes_something_else_is_not_written(tmp_path):
    """tf2onnx takes the remainder of a negative number wrong: the comparison finds it."""
    pytest.importorskip('tf2onnx')
    pytest.importorskip('onnxruntime')
    path = tmp_path / 'odd.pb'
    graph_def = frozen.read_graph(networks.write_random(path))[0]
    for node in graph_def.node:
        if node.name == 'stylized':
            node.name = 'painted'
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        width = tf.shape(graph.get_tensor_by_name('image:0'))[2]
        remainder = tf.cast(tf.floormod(tf.range(width) - 7, 5), tf.float32)[None, None, :, None]
        tf.identity(graph.get_tensor_by_name('painted:0') + remainder, name='stylized')
        path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(UserError, match='not written: it differs from the .pb by'):
        exports.export(str(path), 'onnx', str(tmp_path / 'odd.onnx'))
    assert os.listdir(str(tmp_path)) == ['odd.pb']


@pytest.mark.parametrize('format_, name', [('saved_model', 'served'), ('tflite', 'net.tflite')])
def test_an_export_that_differs_leaves_nothing_behind(model, tmp_path, monkeypatch, format_, name):
    monkeypatch.setattr(check, 'LIMIT', -1.0)  # nothing is that near
    options = {'sizes': ['16x16'], 'weights': ['float32']} if format_ == 'tflite' else {}
    with pytest.raises(UserError, match='differs from the .pb'):
        exports.export(model, format_, str(tmp_path / name), **options)
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('output', ['net.pb', './net.pb', 'link.pb', 'hard.pb'])
@pytest.mark.parametrize('options', [{'weights': ['float16'], 'predictor': True},
                                     {'weights': None, 'predictor': False}], ids=['halves', 'nopredictor'])
def test_a_result_never_takes_the_place_of_the_network_that_it_is_made_of(
        model, tmp_path, monkeypatch, output, options):
    monkeypatch.chdir(tmp_path)
    shutil.copy(model, 'net.pb')
    os.symlink('net.pb', 'link.pb')
    os.link('net.pb', 'hard.pb')
    with pytest.raises(UserError, match='^--output .*: would take the place of --model net.pb; name another'):
        exports.deploy(None, 'net.pb', 'pb', output, options, None)
    assert filecmp.cmp(model, 'net.pb', shallow=False)


def test_bad_flags_are_one_line_each(model, tmp_path):
    wanted = {
        ('--model=' + model, '--format=onnx', '--output=a.pb'): 'ends in .pb, but --format is onnx',
        ('--model=' + model, '--format=tflite', '--output=a'): 'must end in .tflite',
        ('--model=' + model, '--format=tflite', '--output=a.tflite', '--sizes=512'): 'WIDTHxHEIGHT',
        ('--model=' + model, '--format=tflite', '--output=a.tflite', '--weights=int8'):
            "--weights 'int8': --format tflite takes one or two of float32, float16",
        ('--model=' + model, '--format=onnx', '--output=a.onnx', '--weights='):
            "--weights '': --format onnx takes one of float32, float16",
        ('--model=' + model, '--output=a.pb', '--weights='): "--weights '': --format pb takes one of float32",
        ('--model=' + model, '--format=web', '--output=a', '--weights=float16'): '--format web takes none',
        ('--model=' + model, '--format=tflite', '--output=a.tflite', '--sizes='): 'is empty',
        ('--model=' + model, '--format=tflite', '--output=a.tflite', '--sizes=\u00b2x\u00b2'): 'WIDTHxHEIGHT',
        ('--model=' + model, '--output=a.pb'): 'a .pb already',
        ('--model=' + model, '--output=a.pb', '--nopredictor'): 'has no style predictor',
        ('--model=' + model, '--output=a.onnx', '--format=onnx', '--nopredictor'): 'makes a .pb of',
        ('--model=' + model, '--model_dir=b', '--output=a.pb'): 'one of the two',
        ('--output=a.pb',): 'one of the two',
        ('--model=no.pb', '--format=saved_model', '--output=a'): 'no.pb: No such file',
        ('--model=' + model, '--format=coreml', '--output=a'): 'format',
    }
    before = os.listdir('.')
    results = running.many([['freeze_graph.py'] + list(flags) for flags in wanted])
    for message, result in zip(wanted.values(), results):
        assert result.returncode == 2 and result.stdout == ''
        assert result.stderr.startswith('error: ') and result.stderr.count('\n') == 1
        assert message in result.stderr
    assert os.listdir('.') == before


def test_comparison_finds_the_greatest_difference_anywhere():
    def expected(image, weights):
        return image

    def off_by_three_in_one_mix(image, weights):
        moved = image.copy()
        moved[-1, 0, 0, 0] += 3.0 * (weights[-1, -1] == 1)
        return moved

    names = ['a', 'b', 'identity']
    assert check.greatest_difference(expected, expected, names) == 0
    assert check.greatest_difference(expected, off_by_three_in_one_mix, names) == 3
    assert check.difference(np.zeros([1, 2, 3, 3]), np.zeros([1, 2, 2, 3])) == np.inf
    assert check.difference(np.zeros(3), np.array([0, np.nan, 0])) == np.inf
    check.require_close('x', 2.0)
    for worst in (2.01, np.inf, np.nan):
        with pytest.raises(UserError, match='x: not written'):
            check.require_close('x', worst)


@pytest.mark.parametrize('styles', [2, 3, 9])
def test_mixes_are_shares_and_reach_every_style(styles):
    rows = check.mixes(styles)
    assert rows.dtype == np.float32 and np.allclose(rows.sum(1), 1) and (rows >= 0).all()
    assert (rows.max(0) > 0).all() and len(rows) >= 3


@pytest.mark.slow
def test_a_network_with_batch_norm_exports_too(tmp_path):
    pytest.importorskip('tf2onnx')
    path = networks.write_random(tmp_path / 'net.pb', 'fnst', width=2)
    for format_, options in (('onnx', {}), ('tflite', {'sizes': ['20x18']})):
        output = tmp_path / ('out' + exports.EXTENSIONS.get(format_, ''))
        for item in exports.export(path, format_, str(output), **options):
            assert item.difference <= check.LIMIT and os.path.exists(item.path)
