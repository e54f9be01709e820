"""Rows on disk: made once for a painting and a predictor, in bounds, whole or made again."""

import concurrent.futures
import functools
import os

import numpy as np
import pytest

from resnet_in_tf.restyling import kept_rows, style_images


def fail():
    raise AssertionError('made again')


def value(number):
    return np.full(3, number, np.float32)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / 'styles')


def test_the_next_program_is_given_the_row_of_the_first(paintings, monkeypatch, tmp_path):
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path))
    made = []

    def predict(painting):
        made.append(painting.shape)
        return value(len(made))
    for checksum, path, expected in (('a', 0, 1), ('a', 0, 1), ('b', 0, 2), ('a', 1, 3), ('b', 0, 2)):
        rows = style_images.StyleImages(predict, {}, lambda: checksum)  # noqa: B023
        assert (rows.row(paintings[path]) == expected).all()
    assert len(made) == 3 and len(os.listdir(str(tmp_path / 'styles'))) == 3


@pytest.mark.parametrize('damage', [b'', b'x', b'\0' * 12])
def test_a_damaged_row_is_made_again(folder, damage):
    kept_rows.row(folder, 'a', 'b', lambda: value(1))
    name, = os.listdir(folder)
    with open(os.path.join(folder, name), 'wb') as file:
        file.write(damage)
    assert (kept_rows.row(folder, 'a', 'b', lambda: value(1)) == 1).all()
    assert (kept_rows.row(folder, 'a', 'b', fail) == 1).all() and os.listdir(folder) == [name]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / 'file').write_text('')
    for _ in range(2):
        assert (kept_rows.row(str(tmp_path / 'file' / 'styles'), 'a', 'b', lambda: value(7)) == 7).all()
    assert os.listdir(str(tmp_path)) == ['file']


def test_the_row_longest_unused_makes_room(folder, monkeypatch):
    monkeypatch.setattr(kept_rows, 'MOST_FILES', 3)
    for number in range(3):
        kept_rows.row(folder, 'a', str(number), functools.partial(value, number))
        for name in os.listdir(folder):  # each is older than the next
            path = os.path.join(folder, name)
            os.utime(path, (1e9, os.path.getmtime(path) - 1000))
    open(os.path.join(folder, 'other'), 'w').close()
    kept_rows.row(folder, 'a', '0', fail)  # used: 1 is the oldest now
    kept_rows.row(folder, 'a', '3', lambda: value(3))
    assert len(os.listdir(folder)) == 4 and os.path.exists(os.path.join(folder, 'other'))
    for number in (0, 2, 3):
        assert (kept_rows.row(folder, 'a', str(number), fail) == number).all()
    with pytest.raises(AssertionError, match='made again'):
        kept_rows.row(folder, 'a', '1', fail)


def many(folder, seed):
    order = np.random.RandomState(seed).randint(0, 9, 60)
    return all((kept_rows.row(folder, 'a', str(number), functools.partial(value, number)) == number).all()
               for number in order)


def test_processes_at_once_do_no_harm(folder, monkeypatch):
    monkeypatch.setattr(kept_rows, 'MOST_FILES', 4)
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        assert all(pool.map(many, [folder] * 4, range(4)))
    assert 1 <= len(os.listdir(folder)) <= 8
