"""Photos of a report: each has a key of its own."""

import types

import numpy as np

from resnet_in_tf.evaluation import measures
from resnet_in_tf.pictures import images


def test_photos_of_one_name_are_all_kept(tmp_path):
    (tmp_path / 'a').mkdir()
    names = ['b.png', 'b.jpg', 'a/b.png', 'a__b.png', 'a__b.jpg', 'c.png', 'b.jpg.png']
    for number, name in enumerate(names):
        images.write(str(tmp_path / name), np.full([20, 20, 3], 30 * number))
    photos = measures.read_photos(str(tmp_path), names, 16)
    assert len(photos) == len(names)
    assert [int(photo.mean().round()) for photo in photos.values()] == [30 * n for n in range(len(names))]
    assert list(photos)[:3] == ['b', 'b.jpg', 'a__b']
    assert not set(measures.read_photos(str(tmp_path), names, 16, photos)) & set(photos)


def test_one_photo_has_no_other_photo_beside_it():
    photo = np.zeros([8, 8, 3], np.uint8)
    segmenter = types.SimpleNamespace(labels=lambda pixels: np.zeros([8, 8], int), segments=2)
    labels = {key: np.zeros([8, 8], int) for key in 'ab'}
    for keys, others in (('a', 0), ('ab', 2)):
        rows = measures.structure(segmenter, None, None, 0, dict.fromkeys(keys, photo), labels)
        assert [row['system'] for row in rows] == ['another photo'] * others
        rows = measures.objects(segmenter, None, {}, dict.fromkeys(keys, photo), {
            key: [(1, 'cat', np.ones([8, 8], bool))] for key in keys})
        assert [row['system'] for row in rows].count('another photo') == others
