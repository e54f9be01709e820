"""Kernels in float16: a file of half the bytes, read everywhere as the network that it is."""

import contextlib
import os

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf import exports
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, halves
from resnet_in_tf.restyling.stylizer import Stylizer

OPTIONS = {'sizes': None, 'weights': ['float16'], 'predictor': True}


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('halves') / 'any.pb', 'resnet_any', 4,
                                 encode=networks.encode)


def test_what_is_read_is_the_same_network_but_for_its_rounded_kernels(model):
    graph_def = frozen.read_graph(model)[0]
    small = halves.halved(graph_def)
    read = frozen.parse_graph(small.SerializeToString(), 'small.pb')[0]
    assert [node.name for node in read.node] == [node.name for node in graph_def.node]
    rounded = 0
    for node, other in zip(read.node, graph_def.node):
        if halves.is_kernel(node):
            assert node.op == 'Const' and node.attr['dtype'].type == tf.float32.as_datatype_enum
            values = [tf.make_ndarray(each.attr['value'].tensor) for each in (node, other)]
            assert (values[0] == values[1].astype(np.float16)).all()
            rounded += 1
        else:
            assert node == other
    assert rounded == 16 and small.versions == graph_def.versions == read.versions
    assert halves.widened(graph_def) is graph_def


def test_any_tensorflow_runs_the_file_as_it_is(model, face):
    small = halves.halved(frozen.read_graph(model)[0])
    feeds = {'image:0': face[None, 300:341, 400:453].astype(np.float32), 'style_weights:0': [[.2, .5, .3]]}
    pictures = [networks.run(each, 'stylized:0', feeds) for each in (small, halves.widened(small))]
    assert (pictures[0] == pictures[1]).all()


def test_a_small_network_of_24_styles_fits_in_1_2_mb(tmp_path):
    card = frozen.read_graph(networks.CHECKPOINT)[2]
    names = card['style_names']
    assert len(names) == 25
    model = networks.write_random(tmp_path / 'net.pb', 'resnet_any', 12, names=names, **card)
    output = str(tmp_path / 'small.pb')
    line, = exports.deploy(None, model, 'pb', output, OPTIONS, None)
    assert line.startswith(output + ': 0.')
    assert os.path.getsize(output) <= 1.2e6 and os.path.getsize(model) > 1.2e6
    assert frozen.read_graph(output)[1:] == (names, dict(card, steps=7))


def test_a_file_in_float16_is_painted_with_and_exported_as_any_other(model, tmp_path, face, paintings):
    output, photo = str(tmp_path / 'small.pb'), face[300:341, 400:453]
    exports.deploy(None, model, 'pb', output, OPTIONS, None)
    assert os.path.getsize(output) < os.path.getsize(model)
    with contextlib.closing(Stylizer(model)) as one, contextlib.closing(Stylizer(output)) as other:
        for mix in ((None, 1, paintings[:1]), ('wave:2,udnie', 0.8)):
            pictures = [each.stylize(photo, each.style_weights(*mix)) for each in (one, other)]
            assert abs(pictures[0] - pictures[1]).max() < 1
    again = str(tmp_path / 'again.pb')
    exports.deploy(None, output, 'pb', again, OPTIONS, None)
    with open(output, 'rb') as one, open(again, 'rb') as other:
        assert one.read() == other.read()
    pytest.importorskip('onnxruntime')
    written = exports.export(output, 'onnx', str(tmp_path / 'small.onnx'), weights=['float16'])
    assert written[0].difference < 0.01  # the same rounded kernels


def test_a_run_is_frozen_in_float16_and_without_its_predictor_on_request(model, tmp_path):
    def freeze(model_dir, output):
        with open(model, 'rb') as source, open(output, 'wb') as target:
            target.write(source.read())

    output = str(tmp_path / 'a.pb')
    exports.deploy('run', None, 'pb', output, OPTIONS, freeze)
    assert halves.widened(frozen_file(output)) != frozen_file(output)
    assert frozen.has_predictor(frozen.read_graph(output)[0])
    named = str(tmp_path / 'b.pb')
    exports.deploy(None, output, 'pb', named, dict(OPTIONS, predictor=False), None)
    assert not frozen.has_predictor(frozen.read_graph(named)[0])


def frozen_file(path):
    with open(path, 'rb') as file:
        return tf.GraphDef.FromString(file.read())


def test_kernels_beyond_float16_are_refused_and_nothing_is_written(tmp_path):
    graph_def = frozen.read_graph(networks.write_random(tmp_path / 'net.pb'))[0]
    for node in graph_def.node:
        if node.name == 'generator/residual/block1/conv1/kernel':
            node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(
                1e6 * tf.make_ndarray(node.attr['value'].tensor)))
    (tmp_path / 'large.pb').write_bytes(graph_def.SerializeToString())
    with pytest.raises(UserError, match='small.pb: not written: it differs'):
        exports.deploy(None, str(tmp_path / 'large.pb'), 'pb', str(tmp_path / 'small.pb'), OPTIONS, None)
    assert sorted(os.listdir(str(tmp_path))) == ['large.pb', 'net.pb']
