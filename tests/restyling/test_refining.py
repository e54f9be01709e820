"""A row trained further: it comes nearer to its painting, or stays; photos that fail are passed over."""

import itertools
import types

import networks
import numpy as np
import onnx_networks
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, rows
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.palette import NUMBERS, palette_of_picture
from resnet_in_tf.restyling import refining
from resnet_in_tf.training.paintings import read_painting

SMALL = {'vgg_weights': 'random', 'image_size': 32, 'batch_size': 2, 'content_layers': ['relu1_1'],
         'style_layers': ['input', 'relu1_1', 'relu2_1'], 'tv_weight': 1.0}


@pytest.fixture(scope='module')
def graph_def(tmp_path_factory):
    return frozen.read_graph(networks.write_any(tmp_path_factory.mktemp('refining') / 'any.pb', 2))[0]


@pytest.fixture(scope='module')
def two(paintings):
    return [read_painting(path, 64) for path in paintings]


@pytest.fixture
def a_step_a_second(monkeypatch):
    """Time goes by in steps, not in seconds."""
    count = itertools.count()
    monkeypatch.setattr(refining, 'time', types.SimpleNamespace(time=lambda: float(next(count))))


@pytest.fixture(scope='module')
def photo_path(tmp_path_factory, face):
    path = str(tmp_path_factory.mktemp('photo') / 'photo.png')
    images.write(path, face[100:300, 200:500])
    return path


@pytest.mark.parametrize('impl', ['reference', 'auto'])
def test_a_row_comes_nearer_to_its_painting(graph_def, two, photo_path, a_step_a_second, impl):
    row, seen = rows.predict(graph_def, two[:1])[0], []
    refined = refining.refine(graph_def, row, two[:1], [1.0], [photo_path], 12,
                              lambda elapsed, style: seen.append((elapsed, style)), impl, **SMALL)
    assert refined.steps == 12 and [elapsed for elapsed, _ in seen] == list(range(1, 13))
    assert all(refined.after[name] < refined.before[name] for name in ('total', 'style'))
    assert (refined.row[-NUMBERS:] == row[-NUMBERS:]).all()
    assert refined.row[-NUMBERS:] == pytest.approx(palette_of_picture(two[0]), abs=1e-3)
    moved = abs(refined.row - row)[:-NUMBERS]
    assert (moved > 0).any() and moved.max() < 12 * 2 * refining.RATE  # Adam's steps are near the rate
    assert refined.loss_network == {'name': 'random:0', 'checksum': vgg.open_weights(
        'random', ['relu2_1']).checksum}


def test_the_objective_is_that_of_the_mix(graph_def, two, photo_path, a_step_a_second):
    row = rows.predict(graph_def, two).mean(axis=0)

    def style(paintings, shares):
        return refining.refine(graph_def, row, paintings, shares, [photo_path], 1, **SMALL).before['style']

    assert style(two, [1.0, 0.0]) == pytest.approx(style(two[:1], [1.0]), rel=1e-5)
    assert style(two, [.5, .5]) == pytest.approx(style(two[::-1], [.5, .5]), rel=1e-5)
    assert style(two, [.5, .5]) != pytest.approx(style(two[:1], [1.0]), rel=1e-2)


def test_a_row_that_training_would_spoil_stays(graph_def, two, photo_path, a_step_a_second, monkeypatch):
    monkeypatch.setattr(refining, 'RATE', 1e4)
    row = rows.predict(graph_def, two[:1])[0]
    refined = refining.refine(graph_def, row, two[:1], [1.0], [photo_path], 2, **SMALL)
    assert refined.steps == 2 and (refined.row == row).all() and refined.after == refined.before


def test_one_step_is_made_however_short_the_time(graph_def, two, photo_path):
    row = rows.predict(graph_def, two[:1])[0]
    assert refining.refine(graph_def, row, two[:1], [1.0], [photo_path], 1e-6, **SMALL).steps == 1


def test_photos_that_cannot_be_read_are_passed_over(tmp_path, photo_path):
    broken = str(tmp_path / 'broken.jpg')
    with open(broken, 'wb') as file:
        file.write(b'no picture')
    config = {'image_size': 32, 'seed': 0}
    crops = refining.Crops([broken, photo_path, str(tmp_path / 'none.jpg')], config)
    assert len(crops.photos) == 1 and min(crops.photos[0].shape[:2]) == 80
    with pytest.raises(UserError, match='^--refine: none of the photos can be read; .*broken.jpg'):
        refining.Crops([broken], config)


def test_so_many_photos_are_read_and_each_position_has_its_crop(tmp_path, face):
    paths = [str(tmp_path / ('%d.png' % number)) for number in range(refining.MOST_PHOTOS + 2)]
    for number, path in enumerate(paths):
        images.write(path, np.array(face[number:number + 20, :30]))
    crops = refining.Crops(paths, {'image_size': 16, 'seed': 0})
    assert len(crops.photos) == refining.MOST_PHOTOS
    assert crops.at(3).shape == (16, 16, 3) and crops.at(3).dtype == np.float32
    assert (crops.at(3) == crops.at(3)).all()
    assert len({crops.at(place).tobytes() for place in (3, -3, 19, -19)}) == 4


@pytest.mark.parametrize('shape', [(1, 1), (1, 40), (300, 2)])
def test_small_photos_have_crops(tmp_path, face, shape):
    path = str(tmp_path / 'small.png')
    images.write(path, np.array(face[:shape[0], :shape[1]]))
    assert refining.Crops([path], {'image_size': 16, 'seed': 0}).at(0).shape == (16, 16, 3)


def test_an_onnx_network_has_no_row_to_train(tmp_path, photo_path, paintings):
    pytest.importorskip('onnxruntime')
    model = onnx_networks.write(tmp_path / 'any.onnx')
    result = running.script('stylize.py', '--model', model, '--style_image', paintings[0], '--refine', '5',
                            '--input', photo_path, '--output', tmp_path / 'a.png')
    assert result.returncode == 2 and result.stdout == '' and result.stderr.count('\n') == 1
    assert '--refine: trains a row by a .pb' in result.stderr and not (tmp_path / 'a.png').exists()
