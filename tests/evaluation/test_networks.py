"""A report's folder: what is there already is not made again, and keeps its name."""

import networks
import numpy as np
import pytest

from resnet_in_tf.evaluation import networks as workshops
from resnet_in_tf.evaluation import tables
from resnet_in_tf.pictures import images


@pytest.fixture
def workshop(tmp_path):
    lines = []
    workshop = workshops.Workshop({'output': str(tmp_path), 'style_size': 32}, {'wave': 'w', 'udnie': 'u'},
                                  lines.append)
    return workshop, lines, tmp_path


def test_only_pictures_that_are_missing_are_painted(workshop):
    shop, lines, folder = workshop
    (folder / 'networks' / 'cnn').mkdir(parents=True)
    networks.write_random(shop.network('cnn', 7))
    photos = {key: np.full([8, 8, 3], 50 * number, np.uint8) for number, key in enumerate('ab')}
    kept = shop.picture('cnn', 7, 'test', 'udnie', 'b')
    workshops.write_picture(kept, np.full([8, 8, 3], 9, np.uint8))
    assert shop.missing('cnn', 7, 'test', photos) == [('wave', 'a'), ('wave', 'b'), ('udnie', 'a')]
    shop.stylize('cnn', 7, {'test': photos})
    assert lines == ['cnn, step 7: 3 pictures of test photos'] and (images.read(kept) == 9).all()
    assert not np.array_equal(shop.read('cnn', 7, 'test', 'wave', 'a'),
                              shop.read('cnn', 7, 'test', 'udnie', 'a'))
    shop.stylize('cnn', 7, {'test': photos})
    assert len(lines) == 1 and not shop.missing('cnn', 7, 'test', photos)


def test_a_network_that_is_frozen_is_not_trained_again(workshop, monkeypatch):
    shop, lines, folder = workshop
    (folder / 'networks' / 'cnn').mkdir(parents=True)
    (folder / 'networks' / 'cnn' / '000007.pb').write_bytes(b'a network')
    monkeypatch.setattr(workshops.train, 'train', lambda *args, **given: pytest.fail('it trains'))
    shop.train('cnn', [7])
    assert not lines


class Early:
    """A NAAS that tells of two iterations and ends, whatever it was asked for."""

    def stylize(self, photo, iterations, on_iteration):
        for number in (1, 2):
            on_iteration(type('Progress', (), {
                'iteration': number, 'total': 1.0 / number, 'content': 0.5, 'style': 0.25,
                'pixels': np.full(photo.shape, 10 * number, np.float32)}))
        return np.full(photo.shape, 20, np.float32)


def test_where_naas_ends_early_its_last_picture_stands_for_the_rest(workshop):
    shop = workshop[0]
    shop.naas_picture(Early(), [1, 5, 9], 'test', 'wave', 'a', np.zeros([4, 4, 3], np.uint8))
    assert [shop.read('naas', step, 'test', 'wave', 'a')[0, 0, 0] for step in (1, 5, 9)] == [10, 20, 20]
    trace = shop.naas_trace('test', 'wave', 'a')
    assert [(row['iteration'], row['total']) for row in trace] == [(1, 1.0), (2, 0.5)]
    assert len(tables.read_csv(shop.path('stylized', 'naas', 'test', 'wave', 'a.trace.csv'))) == 2
