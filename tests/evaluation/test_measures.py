"""Photos of a report: each has a key of its own."""

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
