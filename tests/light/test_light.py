"""The light lane: onnxruntime alone restyles, in one pass and in tiles, and no TensorFlow is imported."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import onnx_networks
import pytest
import running

from resnet_in_tf import lanes, shipped
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface, onnx_file, onnx_format
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import engines, pipeline
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles import large, rows

pytest.importorskip('onnxruntime')
MIX = np.array([.5, .3, .2], np.float32)  # the photo shines through, and lends its palette

# Runs the command line behind it and tells on stderr what of TensorFlow's world it has imported.
WATCH = """
import atexit, os, runpy, sys
def tell():
    found = {'tensorflow', 'scipy', 'onnx', 'h5py', 'tqdm', 'google.protobuf', 'psutil',
             'resnet_in_tf.video.films', 'resnet_in_tf.video.encoding'} & set(sys.modules)
    print('imported:' + ' '.join(sorted(found)), file=sys.stderr)
leave, os._exit = os._exit, lambda status: (tell(), sys.stderr.flush(), leave(status))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


# Imports a module where nothing of TensorFlow's world is installed.
BLOCKED = """
import importlib, sys
sys.modules.update((name, None) for name in ('tensorflow', 'scipy', 'h5py', 'pycocotools', 'onnx', 'tf2onnx'))
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize('module', ['restyling.api', 'restyling.batch', 'restyling.gallery',
                                    'restyling.onnxruntime_engine', 'server.restyling', 'tiles.onnx_network',
                                    'video.command'])
def test_what_restyles_and_serves_imports_nothing_of_tensorflows_world(module):
    subprocess.run([sys.executable, '-c', BLOCKED, 'resnet_in_tf.' + module], cwd=running.ROOT, check=True,
                   timeout=running.TIMEOUT)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return onnx_networks.write(tmp_path_factory.mktemp('light') / 'any.onnx')


@pytest.fixture(scope='module', params=[True, False], ids=['with a palette', 'without'])
def stylizer(request, tmp_path_factory):
    path = onnx_networks.write(tmp_path_factory.mktemp('light') / 'net.onnx', request.param)
    with Stylizer(path) as stylizer:
        yield stylizer


@pytest.fixture(scope='module')
def photo(face):
    return face[200:501, 300:642]  # [301, 342, 3], sides that need padding to the grid


class Collected:
    """A sink that keeps what it is given."""

    def __init__(self):
        self.parts = []

    def write(self, pixels, alpha):
        self.parts.append(pixels.copy())


def tiled(stylizer, photo, style, **options):
    sink, network = Collected(), stylizer.engine.tiles()
    large.stylize_rows(network, rows.MemorySource(photo), sink, style, large.SMALLEST_TILE ** 2, **options)
    network.close()
    return np.concatenate(sink.parts)


def styles_of(stylizer):
    """A mix of names, and where there is a predictor one with a row behind it."""
    if stylizer.style_images is None:
        return [MIX]
    row = .1 * np.random.RandomState(0).randn(onnx_networks.row_size(onnx_networks.WIDTH))
    return [MIX, np.concatenate([[.3, 0, .2], row]).astype(np.float32)]


def test_auto_takes_onnxruntime_for_a_onnx(stylizer):
    assert (stylizer.engine.name, stylizer.engine.width) == ('onnxruntime', 4)
    assert stylizer.styles == ['wave', 'udnie'] and stylizer.card == {'steps': 7}


def test_strength_0_is_the_photo_and_a_batch_has_a_mix_for_each(stylizer, photo):
    small = photo[:61, :83]
    assert abs(stylizer.stylize(small, [0, 0, 1]) - small).max() < .01
    weights = np.float32([[1, 0, 0], [0, .5, .5]])
    both = stylizer.stylize(np.stack([small, small[::-1]]), weights)
    for one, pixels, row in zip(both, (small, small[::-1]), weights):
        assert abs(one - stylizer.stylize(pixels, row)).max() < .01


def test_a_thumbnail_of_the_whole_picture_changes_nothing(stylizer, photo):
    network = stylizer.engine.tiles()
    for style in styles_of(stylizer):
        affines = network.statistics_of(photo, style)
        assert len(affines) == 15 + network.has_palette
        assert abs(network.stylize(photo, style, affines) - stylizer.stylize(photo, style)).max() < .05


def test_exact_tiles_equal_the_untiled_picture(stylizer, photo):
    for style in styles_of(stylizer):
        counts = []
        result = tiled(stylizer, photo, style, exact=True,
                       on_tile=lambda *count, counts=counts: counts.append(count))
        assert abs(result - np.clip(stylizer.stylize(photo, style), 0, 255)).max() < 1
        assert counts[-1] == (len(counts), len(counts)) and len(counts) >= 16 * 2


def test_thumbnail_tiles_come_near_and_identity_gives_the_photo_back(stylizer, photo):
    difference = tiled(stylizer, photo, MIX) - stylizer.stylize(photo, MIX)
    assert 10 * np.log10(255 ** 2 / np.mean(difference ** 2)) > 20
    assert np.array_equal(tiled(stylizer, photo, np.float32([0, 0, 1])), photo)


def test_large_pictures_go_through_tiles_from_file_to_file(stylizer, photo, monkeypatch):
    monkeypatch.setattr(pipeline, 'pixels_in', lambda size, width, engine: 256 ** 2)
    monkeypatch.setattr(pipeline.row_files, 'pixels_in', lambda size, width, engine: 256 ** 2)
    whole = stylizer.stylize(photo, stylizer.style_weights('udnie', .6))
    tiles = stylizer.restyle(photo, 'udnie', .6, exact=True)
    assert abs(np.asarray(tiles, float) - np.clip(whole, 0, 255)).max() < 1


def test_a_picture_as_a_style(model, photo, paintings):
    with Stylizer(model) as stylizer:
        row = stylizer.style_weights(None, images=paintings[:1])[3:]
        mixed = stylizer.style_weights('wave:2', .7, paintings[:1])
        assert mixed[:3] == pytest.approx([.7 * 2 / 3, 0, .3]) and mixed[3:] == pytest.approx(.7 / 3 * row)
        one, other = [stylizer.stylize(photo[:40, :60], each)
                      for each in (mixed, stylizer.style_weights('wave'))]
        assert abs(one - other).max() > 2


def test_a_part_has_what_it_needs_and_no_more(model):
    with open(model, 'rb') as file:
        whole = onnx_format.read(file.read())
    scope = 'generator/down/conv2'
    part = onnx_format.cut(whole, [onnx_format.value(scope + '/conv', 'N', 8, 'H', 'W')] + whole.inputs, [
        onnx_format.value(scope + '/shifted', 'N', 8, 'H', 'W')])
    assert {node.op for node in part.nodes} >= {'InstanceNormalization'}
    assert not {node.op for node in part.nodes} & {'Conv', 'Pad', 'Resize'}
    assert [each.name for each in part.inputs] == [scope + '/conv', 'style_weights', 'row']
    session = onnx_file.open_session(onnx_format.write(part), 'part')
    x = np.random.RandomState(0).randn(1, 8, 5, 6).astype(np.float32)
    y, = session.run(None, {scope + '/conv': x, 'style_weights': np.float32([[1, 0, 0]]),
                            'row': np.zeros([1, onnx_networks.row_size(4)], np.float32)})
    centered = x - x.mean((2, 3), keepdims=True)
    learnt = onnx_networks.variables()
    gamma, beta = [learnt['%s/%s' % (scope, name)][0].reshape(1, 8, 1, 1) for name in ('gamma', 'beta')]
    wanted = gamma * centered / np.sqrt(x.var((2, 3), keepdims=True) + 1e-5) + beta
    assert y == pytest.approx(wanted, abs=1e-4)


PHOTO, GIVEN = [onnx_format.value(name, 'N', 'H', 'W', 3) for name in (interface.IMAGE, interface.STYLIZED)]
MIXES = onnx_format.value(interface.STYLE_WEIGHTS, 'N', 3)
KERNEL = onnx_format.constant('kernel', np.zeros([4, 3, 9, 9], np.float32))
LABELS = {'style_names': json.dumps(['a', 'b', 'identity']), 'card': '{}'}


def onnx_of(nodes, tensors=(), inputs=(), outputs=(), **metadata):
    """An ONNX file of operations and constants."""
    return onnx_format.write(onnx_format.Model(
        nodes, {str(number): tensor for number, tensor in enumerate(tensors)}, list(inputs), list(outputs),
        onnx_format.head_of(12, 7, '', metadata), False))


@pytest.mark.parametrize('where', ['a constant', 'an attribute'])
@pytest.mark.parametrize('location', ['secret', '../{folder}/secret', '{path}/secret'])
def test_a_network_that_reads_another_file_is_never_run(tmp_path, monkeypatch, where, location):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'secret').write_bytes(np.arange(4, dtype=np.float32).tobytes())
    beside = onnx_format.constant_beside(
        'c', [4], 'float32', location.format(folder=tmp_path.name, path=tmp_path), 0, 16)
    nodes, tensors = [onnx_format.node('Identity', ['c'], ['y'])], [beside]
    if where == 'an attribute':
        attribute = onnx_format.message((1, 'value'), (5, beside.data), (20, 4))
        constant = onnx_format.message((2, ['c']), (4, 'Constant'), (5, [attribute]))
        nodes, tensors = [onnx_format.read_node(constant)] + nodes, []
    (tmp_path / 'bad.onnx').write_bytes(onnx_of(nodes, tensors + [KERNEL]))
    with pytest.raises(UserError, match='an ONNX network, but not one of freeze_graph.py') as caught:
        onnx_file.read((tmp_path / 'bad.onnx').read_bytes(), 'bad.onnx')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('data, message', [
    (b'not a network at all', 'onnxruntime cannot open it'),
    (b'\x08\x07', 'onnxruntime cannot open it'),
    (b'\x08\x07\x3a\x7fcut', 'onnxruntime cannot open it'),
    (b'\x08\x07\x3a\x02\x08\x05', 'onnxruntime cannot open it'),  # a number in the place of a node
    (b'\x08\x07\x3a\x04\x0a\x02\x20\x05', 'onnxruntime cannot open it'),  # and of an operation
    (b'\x08\x07\x3a\x02\x5a\x00', 'not one of freeze_graph.py'),  # an input without a name
    # What protobuf reads otherwise than it looks: a second graph, and an operation of another wire type.
    (onnx_of([onnx_format.node('Loop', ['x'], ['y'])]) + onnx_of([], [KERNEL]), 'two graphs'),
    (onnx_of([onnx_format.node('Loop', ['x'], ['y'])._replace(data=onnx_format.node(
        'Loop', ['x'], ['y']).data + b'\x25Relu')], [KERNEL]), 'a number in the place of a text'),
    (onnx_of([onnx_format.node('Add', ['x'], ['y'])._replace(data=onnx_format.node(
        'Add', ['x'], ['y']).data + onnx_format.message((7, 2 ** 40)))], [KERNEL]), 'in the place of a text'),
    (onnx_of([], [KERNEL._replace(data=onnx_format.message((1, b'\4\3\x09\x09'), (2, 1), (8, 'kernel')))]),
     'a text in the place of a number'),
    (onnx_of([onnx_format.node('Loop', ['x'], ['y'])]), "it has the operation 'Loop'")])
def test_what_is_no_network_is_one_line(tmp_path, data, message):
    (tmp_path / 'bad.onnx').write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        Stylizer(str(tmp_path / 'bad.onnx'))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('inputs, outputs, end', [
    ([PHOTO, MIXES], [onnx_format.value('y', 'N', 'H', 'W', 3)], 'stylized'),
    ([PHOTO], [GIVEN], 'style_weights'), ([MIXES], [GIVEN], 'image'),
    ([PHOTO, onnx_format.value('style_weights', 'N', 7)], [GIVEN], 'style_weights'),
    ([onnx_format.value('image', 1, 8, 8, 3), MIXES], [GIVEN], 'image'),
    ([onnx_format.value('image', 'N', 'H', 'W', 4), MIXES], [GIVEN], 'image'),
    ([onnx_format.value('image', 'N', 'H', 'W', 3, dtype='int64'), MIXES], [GIVEN], 'image')])
def test_a_network_that_takes_or_gives_something_else_is_one_line(tmp_path, inputs, outputs, end):
    names = [onnx_format.fields(each.data) for each in inputs + outputs]
    names = [next(onnx_format.text(value) for number, value in each if number == 1) for each in names]
    nodes = [onnx_format.node('Cast', names[:1], names[-1:], to=1)]
    (tmp_path / 'bad.onnx').write_bytes(onnx_of(
        nodes, [KERNEL], inputs, outputs, **LABELS))
    with pytest.raises(UserError, match='not one of freeze_graph.py: %s is no float32' % end) as caught:
        Stylizer(str(tmp_path / 'bad.onnx'))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('label', sorted(LABELS))
def test_labels_without_end_are_one_line(tmp_path, label):
    node = onnx_format.node('Identity', ['image'], ['stylized'])
    (tmp_path / 'bad.onnx').write_bytes(onnx_of(
        [node], [KERNEL], [PHOTO, MIXES], [GIVEN], **dict(LABELS, **{label: '[' * 10 ** 5})))
    with pytest.raises(UserError, match='not one of freeze_graph.py$'):
        Stylizer(str(tmp_path / 'bad.onnx'))


def test_pictures_of_another_size_than_the_photo_are_one_line(tmp_path):
    places = [onnx_format.constant(name, np.array([value]))
              for name, value in (('first', 1), ('last', 99), ('axis', 1))]
    node = onnx_format.node('Slice', ['image', 'first', 'last', 'axis'], ['stylized'])
    (tmp_path / 'bad.onnx').write_bytes(onnx_of(
        [node], [KERNEL] + places, [PHOTO, MIXES], [GIVEN], **LABELS))
    with Stylizer(str(tmp_path / 'bad.onnx')) as stylizer, pytest.raises(UserError, match='of another size'):
        stylizer.stylize(np.zeros([9, 7, 3], np.uint8), [1, 0, 0])


def test_a_network_that_takes_a_statistic_of_its_own_is_not_tiled(tmp_path, model):
    with open(model, 'rb') as file:
        whole = onnx_format.read(file.read())
    painted, = whole.nodes[-1].inputs
    nodes = whole.nodes[:-1] + [
        onnx_format.node('ReduceMean', [painted], ['mean'], axes=[2, 3], keepdims=1),
        onnx_format.node('Sub', [painted, 'mean'], ['moved']),
        onnx_format.node('Transpose', ['moved'], [interface.STYLIZED], perm=[0, 2, 3, 1])]
    (tmp_path / 'odd.onnx').write_bytes(onnx_format.write(whole._replace(nodes=nodes)))
    with Stylizer(str(tmp_path / 'odd.onnx')) as stylizer:
        with pytest.raises(UserError, match='cannot be run in tiles: mean takes a statistic'):
            stylizer.engine.tiles()


@pytest.fixture
def folder(tmp_path, photo, monkeypatch):
    """A folder with a photo and networks that ship, in an environment without others."""
    images.write(str(tmp_path / 'photo.jpg'), photo)
    (tmp_path / 'checkpoints').mkdir()
    onnx_networks.write(tmp_path / 'checkpoints' / 'any.onnx', half=True)
    monkeypatch.setenv(shipped.VARIABLE, str(tmp_path / 'checkpoints'))
    return tmp_path


def test_one_command_restyles_a_photo_and_imports_nothing_for_nothing(folder):
    command = [sys.executable, '-c', WATCH, os.path.join(running.ROOT, 'scripts', 'stylize.py'),
               '--engine=onnxruntime', '--input=photo.jpg']
    result = subprocess.run(command, cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True, timeout=running.TIMEOUT)
    assert (result.returncode, result.stderr) == (0, 'imported:\n')
    assert images.check(str(folder / 'photo_wave.jpg')) == (342, 301)


def test_mixes_pictures_as_styles_and_json_by_flags(folder, paintings):
    common = ['stylize.py', '--engine=onnxruntime', '--input=%s' % (folder / 'photo.jpg')]
    results = [running.script(*common + more) for more in (
        ['--style=wave:.7,2:.3', '--strength=.5', '--preserve_color', '--output=%s' % (folder / 'a.png')],
        ['--style_image=' + paintings[0], '--output=%s' % (folder / 'b.png'), '--json'],
        ['--max_memory=1KB', '--output=%s' % (folder / 'c.png')])]
    assert [result.returncode for result in results] == [0, 0, 1], results
    assert len(json.loads(results[1].stdout)['done']) == 1
    assert '--max_memory 1MB' in results[2].stderr and results[2].stderr.count('\n') == 1
    one, other = [images.read(str(folder / name)).astype(int) for name in ('a.png', 'b.png')]
    assert one.shape == other.shape == (301, 342, 3) and abs(one - other).max() > 10


def test_auto_is_tensorflow_where_it_is_installed(folder, monkeypatch):
    assert engines.chosen('auto', 'x.onnx') == 'onnxruntime'
    for there, engine in ((True, 'tensorflow'), (False, 'onnxruntime')):
        monkeypatch.setattr(lanes, 'has_tensorflow', lambda there=there: there)
        assert engines.chosen('auto', 'x.pb') == engines.chosen('auto') == engine
    assert engines.network('auto', None) == ('onnxruntime', str(folder / 'checkpoints' / 'any.onnx'))
    with pytest.raises(UserError, match='there are auto, onnxruntime, tensorflow'):
        engines.chosen('openvino')


def test_auto_goes_by_what_is_in_a_file_and_not_by_its_name(tmp_path, model, monkeypatch):
    monkeypatch.setattr(lanes, 'has_tensorflow', lambda: True)
    shutil.copy(model, str(tmp_path / 'network.bin'))
    (tmp_path / 'graph.onnx').write_bytes(b'\n\x00')  # the first byte of a GraphDef
    for name, engine in (('network.bin', 'onnxruntime'), ('graph.onnx', 'tensorflow'),
                         ('missing.onnx', 'onnxruntime'), ('missing.pb', 'tensorflow')):
        assert engines.chosen('auto', str(tmp_path / name)) == engine
    with Stylizer(str(tmp_path / 'network.bin')) as stylizer:
        assert stylizer.engine.width == 4
    os.mkfifo(str(tmp_path / 'pipe'))
    assert engines.chosen('auto', str(tmp_path / 'pipe')) == 'tensorflow'  # and waits for nobody


@pytest.mark.parametrize('engine', ['tensorflow', 'onnxruntime'])
def test_what_needs_tensorflow_says_which_python_has_it(tmp_path, engine):
    (tmp_path / 'net.pb').write_bytes(b'\n\x00')
    program = BLOCKED + """
from resnet_in_tf.errors import UserError
try:
    sys.modules[sys.argv[1]].start(*sys.argv[2:])
except UserError as error:
    print(error)
"""
    said = subprocess.check_output([sys.executable, '-c', program, 'resnet_in_tf.restyling.engines', engine,
                                    str(tmp_path / 'net.pb')], cwd=running.ROOT, timeout=running.TIMEOUT)
    assert lanes.NEEDED + ', which Python 3.6, 3.7 and 3.9 to 3.11' in said.decode()


@pytest.mark.skipif(lanes.has_tensorflow(), reason='is about a Python without TensorFlow')
@pytest.mark.parametrize('script, flags', [
    ('train.py', ['--style={photo}', '--coco_images={folder}', '--model_dir={folder}/run']),
    ('freeze_graph.py', ['--model={model}', '--format=onnx', '--output={folder}/any.onnx']),
    ('evaluate.py', ['continuity', '--model={model}']),
    ('style_row.py', ['--model={model}', '--style_image={photo}', '--name=a', '--output={folder}/b.pb']),
    ('stylize.py', ['--system=naas', '--style_image={photo}', '--input={photo}', '--output={folder}/b.jpg']),
    ('stylize.py', ['--engine=tensorflow', '--input={photo}', '--output={folder}/b.jpg', '--model={model}']),
    ('stylize.py', ['--input={photo}', '--output={folder}/b.jpg', '--model={model}']),
    ('serve.py', ['--port=0', '--model={model}'])])
def test_scripts_that_need_tensorflow_end_in_one_line(folder, script, flags):
    named = {'photo': folder / 'photo.jpg', 'folder': folder,
             'model': os.path.join(running.ROOT, 'checkpoints', 'paintings.pb')}
    result = running.script(script, *[flag.format(**named) for flag in flags], light=True)
    assert result.returncode == 2
    assert result.stderr.count('\n') == 1 and lanes.NEEDED + ', which Python 3.6, 3.7' in result.stderr
