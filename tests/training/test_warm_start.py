"""Training that begins with a frozen network, and one new row that leaves the others as they are."""

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import warm_start


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('base') / 'base.pb')


def test_rows_move_with_their_names_and_a_new_style_begins_with_the_mean():
    table = np.float32([[1, 2], [3, 6], [9, 9]])
    moved = warm_start.with_rows(table, ['a', 'b', 'identity'], ['b', 'new', 'a', 'identity'])
    assert moved.tolist() == [[3, 6], [2, 4], [1, 2], [9, 9]]


def test_an_added_style_stands_before_identity_and_is_the_one_that_trains(network):
    start = warm_start.from_network(network, ['scream'], add=True)
    assert start.style_names == ['wave', 'udnie', 'scream', 'identity']
    assert start.rows == [2, 3]
    known = frozen.read_variables(frozen.read_graph(network)[0])
    assert set(start.variables) == set(known)
    for name, value in known.items():
        kept = start.variables[name]
        if name.endswith(('/gamma', '/beta')):
            assert (kept[[0, 1, 3]] == value).all()
        else:
            assert (kept == value).all()


def test_a_style_that_is_there_already_is_refused(network):
    with pytest.raises(UserError, match="has a style 'wave' already"):
        warm_start.from_network(network, ['wave'], add=True)


def test_beginning_with_a_network_keeps_the_rows_of_styles_it_knows(network):
    start = warm_start.from_network(network, ['udnie', 'new'], add=False)
    assert start.style_names == ['udnie', 'new', 'identity'] and start.rows == [0, 1, 2]


@pytest.mark.slow
def test_adding_a_style_leaves_the_others_bit_for_bit(tmp_path, tiny_model, photo_folder, paintings,
                                                      face):
    before = Stylizer(tiny_model)
    new = tmp_path / 'newcomer.png'
    with open(paintings[0], 'rb') as source:
        new.write_bytes(source.read())
    model_dir, model = str(tmp_path / 'run'), str(tmp_path / 'added.pb')
    result = running.script(
        'train.py', '--add_style', str(new), '--from', tiny_model, '--coco_images', photo_folder,
        '--model_dir', model_dir, '--vgg_weights', 'random', '--style_layers', 'input,relu1_1',
        '--content_layers', 'relu1_1', '--image_size', '32', '--train_steps', '4')
    assert result.returncode == 0, result.stderr
    result = running.script('freeze_graph.py', '--model_dir', model_dir, '--output', model)
    assert result.returncode == 0, result.stderr
    after = Stylizer(model)
    assert after.style_names == before.styles + ['newcomer', 'identity']
    photo = face[100:148, 300:364]
    for style in before.style_names:
        assert (before.stylize(photo, before.style_weights(style))
                == after.stylize(photo, after.style_weights(style))).all(), style
    assert (after.stylize(photo, after.style_weights('newcomer'))
            != after.stylize(photo, after.style_weights(before.styles[0]))).any()
