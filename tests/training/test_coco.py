"""Photos: what is listed, how it is split, and the same sample at the same position, always."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.training import coco


@pytest.fixture(scope='module')
def folder(tmp_path_factory, face):
    """Seven real photos of different shapes, one in a sub-folder, and a file that is none."""
    path = tmp_path_factory.mktemp('photos')
    (path / 'more').mkdir()
    for number in range(6):
        part = face[number * 90:number * 90 + 60 + 10 * number, 200:200 + 130 - 15 * number]
        images.write(str(path / ('%d.jpg' % number)), part)
    images.write(str(path / 'more' / 'wide.PNG'), face[:24, :200])
    (path / 'notes.txt').write_text('no photo')
    return str(path)


def annotations(path, names):
    path.write_text(json.dumps({'images': [{'id': number, 'file_name': name, 'height': 1, 'width': 1}
                                           for number, name in enumerate(names)]}))
    return str(path)


def photos_of(folder, **changed):
    return coco.Photos(**dict({'folder': folder, 'names': coco.list_photos(folder),
                               'image_size': 20, 'seed': 4}, **changed))


def batches(photos, start, stop, size=3, styles=2, share=0.25, mixed=0.5):
    with tf.Graph().as_default(), tf.Session() as session:
        item = tf.data.make_one_shot_iterator(
            coco.input_fn(photos, styles, {'identity_share': share, 'mix_share': mixed, 'batch_size': size},
                          start, stop)).get_next()
        result = []
        while True:
            try:
                result.append(session.run(item))
            except tf.errors.OutOfRangeError:
                return result


def test_a_plain_folder_is_listed_with_its_sub_folders(folder):
    assert coco.list_photos(folder) == ['%d.jpg' % n for n in range(6)] + [
        os.path.join('more', 'wide.PNG')]


def test_real_annotations_name_the_photos(shared_data):
    mini = os.path.join(shared_data, 'coco_mini')
    names = coco.list_photos(os.path.join(mini, 'images'),
                             os.path.join(mini, 'annotations', 'instances_mini.json'))
    assert len(names) == 97 and sorted(os.listdir(os.path.join(mini, 'images'))) == names
    split = coco.split_photos(names, 0)
    assert (len(split.train), len(split.test)) == (75, 22)


def test_annotations_choose_among_the_files_and_each_counts_once(folder, tmp_path):
    path = annotations(tmp_path / 'a.json', ['3.jpg', '1.jpg', '3.jpg', 'not_downloaded.jpg'])
    assert coco.list_photos(folder, path) == ['1.jpg', '3.jpg']


def test_names_that_lead_out_of_the_folder_are_no_photos_of_it(folder, tmp_path):
    inner = os.path.join(folder, 'more')
    outside = [os.path.join(folder, '1.jpg'), '../1.jpg', 'x/../../1.jpg', './../1.jpg', '1.jpg\0.png', '']
    path = annotations(tmp_path / 'a.json', outside + ['wide.PNG'])
    assert coco.list_photos(inner, path) == ['wide.PNG']
    with pytest.raises(UserError, match='^--coco_images .*: none of the 6 photos that .* names is there'):
        coco.list_photos(inner, annotations(tmp_path / 'a.json', outside))


@pytest.mark.parametrize('text', [
    '', '[]', 'no json', '{"images": 5}', '{"images": [{"id": 1}]}', '{"images": ["a"]}',
    '{"images": [{"id": 1, "file_name": null}]}', b'\xff\xfe\x00',
    pytest.param('[' * 10 ** 5, id='deep')])
def test_a_file_that_is_no_annotation_file_is_one_line(folder, tmp_path, text):
    path = tmp_path / 'a.json'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match='^--coco_annotations .*a.json: not a COCO annotation file'
                                        '.*expected an instances_.*json$'):
        coco.list_photos(folder, str(path))


def test_folders_and_files_that_are_not_there_are_named(folder, tmp_path):
    with pytest.raises(UserError, match='^--coco_images .*/nowhere: no such folder$'):
        coco.list_photos(os.path.join(folder, 'nowhere'))
    with pytest.raises(UserError, match='^--coco_annotations nothing.json: .*No such file'):
        coco.list_photos(folder, 'nothing.json')
    with pytest.raises(UserError, match='no pictures here'):
        coco.list_photos(str(tmp_path))
    for names, count in (([], 0), (['x.jpg', 'y.jpg'], 2)):
        with pytest.raises(UserError, match='none of the %d photos that .* names is there' % count):
            coco.list_photos(folder, annotations(tmp_path / 'a.json', names))


def test_the_split_is_the_papers_where_there_are_enough_photos():
    names = ['%05d.jpg' % n for n in range(7000)]
    split = coco.split_photos(names, 1)
    assert (len(split.train), len(split.test)) == (5000, 1500)
    assert len(set(split.train) | set(split.test)) == 6500
    assert coco.split_photos(names[::-1], 1) == split != coco.split_photos(names, 2)


@pytest.mark.parametrize('count, train, test', [
    (1, 1, 0), (4, 4, 0), (5, 4, 1), (13, 10, 3), (600, 462, 138), (6499, 5000, 1499)])
def test_a_smaller_set_is_cut_in_the_same_proportion(count, train, test):
    split = coco.split_photos([str(n) for n in range(count)], 0)
    assert (len(split.train), len(split.test)) == (train, test)
    assert len(set(split.train + split.test)) == count


def test_each_epoch_sees_every_photo_once_in_an_order_of_its_own(folder):
    photos = photos_of(folder)
    first, second = [[photos.name(7 * epoch + n) for n in range(7)] for epoch in (0, 1)]
    assert sorted(first) == sorted(second) == photos.names and first != second


def test_the_same_position_gives_the_same_sample_wherever_a_run_begins(folder):
    whole = batches(photos_of(folder), 0, 10)
    later = batches(photos_of(folder), 6, 10)
    assert len(whole) == 10 and len(later) == 4
    for before, after in zip(whole[6:], later):
        assert (before['photo'] == after['photo']).all()
        assert (before['style_weights'] == after['style_weights']).all()
    other = batches(photos_of(folder, seed=5), 0, 10)
    assert any((a['photo'] != b['photo']).any() for a, b in zip(whole, other))


def test_samples_are_float_squares_with_a_style(folder):
    for batch in batches(photos_of(folder), 0, 3):
        assert batch['photo'].shape == (3, 20, 20, 3) and batch['photo'].dtype == np.float32
        assert 0 <= batch['photo'].min() and 100 < batch['photo'].max() <= 255
        assert batch['style_weights'].shape == (3, 3) and batch['style_weights'].dtype == np.float32
        assert (batch['style_weights'].sum(1) == 1).all()


def drawn_weights(count, identity_share, mix_share):
    return np.stack([coco.style_weights_at(position, 3, identity_share, mix_share, 7)
                     for position in range(count)])


def test_identity_gets_its_share_and_styles_the_same_each():
    drawn = drawn_weights(2000, 0.25, 0.0).sum(0)
    assert drawn.sum() == 2000 and abs(drawn - 500).max() < 80
    assert drawn_weights(50, 1.0, 0.0).sum(0).tolist() == [0, 0, 0, 50]
    alone = drawn_weights(50, 0.0, 0.0)
    assert set(alone.ravel()) == {0, 1} and alone[:, 3].sum() == 0 and alone[:, :3].any(0).all()


def test_mixes_are_of_two_rows_every_pair_alike_and_as_many_as_asked_for():
    drawn = drawn_weights(4000, 0.25, 0.5)
    mixed = drawn[drawn.max(1) < 1]
    assert (drawn >= 0).all() and np.allclose(drawn.sum(1), 1) and abs(len(mixed) - 2000) < 150
    assert ((mixed > 0).sum(1) == 2).all()
    pairs = np.unique(mixed > 0, axis=0, return_counts=True)[1]
    assert len(pairs) == 6 and abs(pairs - len(mixed) / 6).max() < 80
    assert abs(mixed.max(1).mean() - 0.75) < 0.02


@pytest.mark.parametrize('height, width', [(1, 1), (1, 90), (90, 1), (19, 20), (200, 30)])
def test_crops_of_any_photo_have_the_size_asked_for(height, width):
    photo = np.full([height, width, 3], 77, np.uint8)
    for seed in range(5):
        crop = coco.random_crop(photo, 20, np.random.RandomState(seed))
        assert crop.shape == (20, 20, 3) and (crop == 77).all()


def test_crops_are_squares_of_the_photo_not_stretched():
    rows, columns = np.mgrid[:100, :180]
    photo = np.stack([rows, columns, 0 * rows], 2).astype(np.uint8)
    for seed in range(20):
        crop = coco.random_crop(photo, 40, np.random.RandomState(seed)).astype(int)
        tall, wide = [abs(np.diff(crop[5:-5, 5:-5, axis], axis=axis).mean()) for axis in (0, 1)]
        assert 0.97 <= tall <= 2.55 and tall == pytest.approx(wide, abs=0.05)


def test_broken_photos_are_passed_over_and_counted(folder, shared_data, tmp_path):
    mixed = str(tmp_path / 'mixed')
    shutil.copytree(folder, mixed)
    hard = os.path.join(shared_data, 'hard_images')
    refused = [name for name in sorted(os.listdir(hard)) if is_broken(os.path.join(hard, name))]
    assert len(refused) >= 5
    for name in refused:
        shutil.copy(os.path.join(hard, name), mixed)
    photos = photos_of(mixed)
    photos.check()
    count = 2 * len(photos.names)
    crops = [photos.crop(position) for position in range(count)]
    assert photos.broken == set(photos.names) & set(refused)
    again = photos_of(mixed)
    assert all((again.crop(position) == crops[position]).all() for position in range(count)[::-7])


def is_broken(path):
    if os.path.splitext(path)[1].lower() not in images.EXTENSIONS:
        return False
    try:
        images.read(path)
    except images.PictureError:
        return True
    return False


def test_a_set_of_broken_photos_alone_is_an_error(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'')
    (tmp_path / 'b.jpg').write_bytes(b'text')
    photos = photos_of(str(tmp_path))
    with pytest.raises(UserError, match='^--coco_images .*: none of its 2 photos can be read; '
                                        'the last one: .*b.jpg'):
        photos.check()
    with pytest.raises(UserError, match='no photo can be read any more'):
        photos.crop(0)
    assert str(photos.failure).startswith('--coco_images')


def test_names_that_lead_out_of_the_folder_are_no_photos(folder, tmp_path):
    path = annotations(tmp_path / 'a.json', ['1.jpg', os.path.join(folder, '2.jpg'),
                                             os.path.join('..', os.path.basename(folder), '3.jpg')])
    assert coco.list_photos(folder, path) == ['1.jpg']


@pytest.mark.parametrize('colour', [0, 1, 128, 255])
def test_a_crop_of_one_colour_gets_faint_noise_and_any_other_stays(colour):
    flat = np.full([16, 16, 3], colour, np.uint8)
    noisy = coco.roughened(flat, np.random.RandomState(0))
    assert 1.5 < noisy.std() < 5 and abs(noisy.mean() - colour) < 5
    flat[:8] = 255 - colour if colour != 128 else 0
    assert (coco.roughened(flat, np.random.RandomState(0)) == flat).all()
