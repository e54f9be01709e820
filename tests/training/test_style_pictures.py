"""Pictures as styles: which, what becomes of them, and a predictor that is trained with them."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, predictor, rows
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.palette import palette_of_picture
from resnet_in_tf.training import coco, run_record, style_pictures, train
from resnet_in_tf.training.freeze import freeze
from resnet_in_tf.training.hooks import HELD_OUT, read_history
from resnet_in_tf.training.paintings import read_painting

CONFIG = {'style_crop_size': 24, 'photo_style_share': 0.0, 'permute_share': 0.0, 'contrast_share': 0.0,
          'turn_share': 0.0}


def short(paintings, photos, model_dir, **changed):
    """Trains in this process, as small as it can be: (run record, lines it reported)."""
    lines = []
    settings = dict({'train_steps': 2, 'image_size': 16, 'style_size': 24, 'style_crop_size': 16,
                     'batch_size': 2, 'width': 1, 'content_layers': ['relu1_1'], 'warmup_steps': 0,
                     'style_layers': ['relu1_1'], 'vgg_weights': 'random', 'system': 'resnet_any',
                     'styles_dir': photos, 'show': lines.append}, **changed)
    return train.train(paintings, photos, str(model_dir), **settings), lines


@pytest.fixture(scope='module')
def run(tmp_path_factory, paintings, photo_folder):
    """A run of two styles and a predictor, stopped at step 2 and gone on with to step 3: (folder, lines)."""
    folder = str(tmp_path_factory.mktemp('any') / 'run')
    settings = {'save_steps': 1, 'log_steps': 1, 'eval_steps': 1}
    _, first = short(paintings, photo_folder, folder, **settings)
    _, second = short(paintings, photo_folder, folder, train_steps=3, **settings)
    return folder, first + second


@pytest.fixture(scope='module')
def model(tmp_path_factory, run):
    path = str(tmp_path_factory.mktemp('any') / 'any.pb')
    freeze(run[0], path)
    return path


def test_a_folder_is_listed_and_a_tenth_of_it_is_kept_back(photo_folder, tmp_path):
    split = style_pictures.list_styles(photo_folder, 0)
    assert len(split.test) == 1 and sorted(split.train + split.test) == sorted(os.listdir(photo_folder))
    assert style_pictures.list_styles(photo_folder, 0) == split != style_pictures.list_styles(photo_folder, 1)
    with pytest.raises(UserError, match='^--styles_dir .*none: no such folder'):
        style_pictures.list_styles(str(tmp_path / 'none'), 0)
    with pytest.raises(UserError, match='no pictures here'):
        style_pictures.list_styles(str(tmp_path), 0)


def test_a_style_is_a_function_of_its_position_and_comes_from_paintings_or_photos(photo_folder, tmp_path):
    images.write(str(tmp_path / 'red.png'), np.full([30, 40, 3], (250, 0, 0)) + np.arange(40)[:, None] % 5)
    photos = coco.Photos(photo_folder, os.listdir(photo_folder), 16, 4)

    def crops(share):
        pictures = style_pictures.StylePictures(str(tmp_path), ['red.png'], photos,
                                                dict(CONFIG, photo_style_share=share))
        return np.stack([pictures.crop(position) for position in range(30)])

    def red(found):
        return (found[..., 0].astype(int) - found[..., 1] > 200).all(axis=(1, 2))
    half = crops(0.5)
    assert half.shape == (30, 24, 24, 3) and (half == crops(0.5)).all()
    assert red(crops(0)).all() and not red(crops(1)).any() and 5 < red(half).sum() < 25


@pytest.mark.parametrize('name', ['permute_share', 'contrast_share', 'turn_share'])
def test_each_variation_has_its_share(face, name):
    picture = face[100:124, 300:324]
    kept = style_pictures.varied(picture, np.random.RandomState(0), CONFIG)
    assert (kept == picture).all()
    varied = [style_pictures.varied(picture, np.random.RandomState(seed), dict(CONFIG, **{name: 1.0}))
              for seed in range(20)]
    assert sum((each != picture).any() for each in varied) >= 10
    assert all(each.shape == picture.shape and each.dtype == np.uint8 for each in varied)
    if name == 'turn_share':
        assert all(np.sort(each.ravel()).tolist() == np.sort(picture.ravel()).tolist() for each in varied)


def test_broken_pictures_are_passed_over_and_named(tmp_path, photo_folder):
    (tmp_path / 'broken.jpg').write_bytes(b'no picture')
    photos = coco.Photos(photo_folder, os.listdir(photo_folder), 16, 4)
    pictures = style_pictures.StylePictures(str(tmp_path), ['broken.jpg'], photos, CONFIG)
    with pytest.raises(UserError, match='^--styles_dir .* can be read'):
        pictures.check()
    shutil.copy(os.path.join(photo_folder, '00.jpg'), str(tmp_path))
    pictures = style_pictures.StylePictures(str(tmp_path), ['broken.jpg', '00.jpg'], photos, CONFIG)
    pictures.check()
    for position in range(4):
        assert pictures.crop(position).shape == (24, 24, 3)
    assert pictures.broken == {'broken.jpg'} and pictures.failure is None


def test_shares_of_samples_are_those_of_named_styles_pictures_and_identity():
    drawn = np.stack([coco.style_weights_at(position, 3, 0.1, 0.0, 0, 0.6) for position in range(2000)])
    assert drawn.shape == (2000, 5) and (drawn.sum(axis=1) == 1).all()
    assert drawn.mean(axis=0) == pytest.approx([0.12, 0.12, 0.12, 0.54, 0.1], abs=0.04)
    mixed = np.stack([coco.style_weights_at(position, 3, 0.1, 1.0, 0, 0.6) for position in range(100)])
    assert mixed.sum(axis=1) == pytest.approx(np.ones(100)) and ((mixed > 0).sum(axis=1) == 2).all()


def test_a_run_trains_filters_rows_and_predictor_and_goes_on(run, paintings, photo_folder):
    folder, lines = run
    rows = read_history(os.path.join(folder, 'history.csv'))
    assert [row['step'] for row in rows] == [1, 2, 3]
    assert all(np.isfinite(row[name]) for row in rows for name in HELD_OUT)
    assert any('steps 2 to 3' in line for line in lines) and lines[-1].startswith('Finished: 3 steps')
    record = run_record.read(folder)
    assert record['config']['predictor'] and record['places']['styles_dir'] == photo_folder
    pictures = record['style_pictures']
    assert len(pictures['train']) == 11 and len(pictures['test']) == 1
    values = tf.train.load_checkpoint(os.path.join(folder, 'model.ckpt-3'))
    first = tf.train.load_checkpoint(os.path.join(folder, 'model.ckpt-2'))
    table = values.get_tensor('generator/palette/table')
    assert table[:2] == pytest.approx(np.stack([palette_of_picture(read_painting(path, 24))
                                                for path in paintings]))
    assert (values.get_tensor(predictor.MEAN) == first.get_tensor(predictor.MEAN)).all()
    for name in ('generator/down/conv1/kernel', 'generator/up/conv2/gamma', 'predictor/dense1/kernel',
                 'predictor/dense3/bias'):
        assert (values.get_tensor(name) != first.get_tensor(name)).any(), name
    assert not [name for name in values.get_variable_to_shape_map() if 'conv4_1' in name or 'gram' in name]


def test_a_run_with_a_predictor_is_no_run_without(run, paintings, photo_folder):
    with pytest.raises(UserError, match='holds a run with --styles_dir True, and now it is False'):
        short(paintings, photo_folder, run[0], styles_dir=None)


def test_the_input_of_the_predictor_is_standardised(photo_folder):
    photos = coco.Photos(photo_folder, os.listdir(photo_folder), 16, 4)
    pictures = style_pictures.StylePictures(photo_folder, os.listdir(photo_folder), photos, CONFIG)
    weights = vgg.open_weights('random', predictor.LAYERS)
    found = style_pictures.measure(pictures, weights)
    assert set(found) == {predictor.MEAN, predictor.DEVIATION}
    assert found[predictor.MEAN].shape == (1920,) and (found[predictor.DEVIATION] > 0).all()
    first = vgg.evaluate(pictures.crop(0)[None].astype(np.float32), ['relu1_1'], weights)['relu1_1']
    standard = (first.mean(axis=(0, 1, 2)) - found[predictor.MEAN][:64]) / found[predictor.DEVIATION][:64]
    assert abs(standard).max() < 10


def test_a_frozen_run_has_its_predictor_and_a_card_that_names_the_encoder(model, run):
    graph_def, names, card = frozen.read_graph(model)
    assert frozen.has_predictor(graph_def) and names == ['waves', 'tiles', 'identity']
    record = run_record.read(run[0])
    assert card['predictor']['pictures'] == 11 and card['predictor']['checksum'] == record['encoder']
    assert card['predictor']['held_out_pictures'] == record['style_pictures']['test']
    assert card['predictor']['source'] == 'Gaussian filters from a seed'


def test_freezing_with_another_loss_network_is_one_line(run, tmp_path):
    folder = str(tmp_path / 'run')
    shutil.copytree(run[0], folder)
    record = run_record.read(folder)
    record['config']['vgg_weights'] = 'random:1'
    run_record.write(folder, record)
    with pytest.raises(UserError, match='^--vgg_weights random:1: is another loss network now than the run'):
        freeze(folder, str(tmp_path / 'a.pb'))


def test_a_run_begins_with_a_predictor_or_says_that_it_goes(model, tmp_path, paintings, photo_folder,
                                                           monkeypatch):
    taken = []
    monkeypatch.setattr(train, 'run_estimator', lambda params, *rest: taken.append(params))
    known = frozen.read_variables(frozen.read_graph(model)[0])
    short(paintings[:1], photo_folder, tmp_path / 'one', start_from=model)
    assert set(taken[0]['start'].variables) == set(known) and predictor.MEAN in known
    assert predictor.MEAN not in taken[0]['initial']
    _, lines = short(paintings[:1], photo_folder, tmp_path / 'two', start_from=model, styles_dir=None)
    assert any('takes no --style_image' in line for line in lines)
    assert not [name for name in taken[1]['start'].variables if name.startswith('predictor/')]
    with pytest.raises(UserError, match='^--vgg_weights random:2: another loss network than the style predi'):
        short(paintings[:1], photo_folder, tmp_path / 'three', start_from=model, vgg_weights='random:2')


def test_an_added_style_begins_as_the_predictor_makes_it(model, tmp_path, paintings, photo_folder,
                                                         monkeypatch):
    taken = []
    monkeypatch.setattr(train, 'run_estimator', lambda params, *rest: taken.append(params))
    added = str(tmp_path / 'added.png')
    shutil.copy(paintings[0], added)
    graph_def = frozen.read_graph(model)[0]
    known = frozen.read_variables(graph_def)
    _, lines = short([added], photo_folder, tmp_path / 'run', start_from=model, styles_dir=None,
                     add_style=True)
    assert any(line.startswith('The new row begins as the style predictor of') for line in lines)
    start, made = taken[0]['start'], rows.predict(graph_def, [read_painting(added, 24)])[0]
    assert start.rows == [2, 3]
    for name, part in rows.parts_of(made, start.width).items():
        assert start.variables[name][2] == pytest.approx(part, abs=1e-5), name
        assert (start.variables[name][[0, 1, 3]] == known[name]).all(), name
    assert not [name for name in start.variables if name.startswith('predictor/')]


def test_a_predictor_is_for_one_system_and_not_for_a_row_alone(model, tmp_path, paintings, photo_folder):
    for changed, words in (({'system': 'resnet_in'}, 'takes --system resnet_any; this is resnet_in'),
                           ({'add_style': True, 'start_from': model, 'system': None},
                            'and --add_style a row alone')):
        with pytest.raises(UserError, match='^--styles_dir .*' + words):
            short(paintings[:1], photo_folder, tmp_path / 'run', **changed)
    assert not os.path.exists(str(tmp_path / 'run'))
