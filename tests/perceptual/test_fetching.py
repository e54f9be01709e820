"""Folders, locks and checksums of fetched files; test_download and test_fetch_hed fetch them."""

import hashlib
import os

import pytest

from resnet_in_tf.perceptual import fetching


def test_files_lie_where_keras_looks_for_them(monkeypatch, tmp_path):
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
    assert fetching.models_folder() == str(tmp_path / 'keras' / 'models')
    assert fetching.models_folder(str(tmp_path)) == str(tmp_path / 'models')
    monkeypatch.delenv('KERAS_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert fetching.models_folder() == str(tmp_path / '.keras' / 'models')


def test_a_file_of_another_checksum_is_not_the_file(tmp_path):
    path = tmp_path / 'a'
    path.write_bytes(b'abc')
    right = hashlib.sha256(b'abc').hexdigest()
    assert fetching.has_checksum(str(path), 'sha256', right)
    fetching.require_checksum(str(path), 'sha256', right)
    path.write_bytes(b'abd')
    assert not fetching.has_checksum(str(path), 'sha256', right)
    with pytest.raises(ValueError, match='is not the file, its sha256 differs'):
        fetching.require_checksum(str(path), 'sha256', right)
    assert not fetching.has_checksum(str(tmp_path / 'none'), 'md5', right)


def test_a_folder_on_its_way_is_gone_afterwards_and_what_nobody_holds_goes_too(tmp_path):
    left = tmp_path / (fetching.SCRATCH + 'left')
    left.mkdir()
    (left / 'half').write_bytes(b'x')
    (tmp_path / 'mine').mkdir()
    with fetching.scratch_folder(str(tmp_path)) as first:
        assert not left.exists()
        with fetching.scratch_folder(str(tmp_path)) as second:
            assert os.path.isdir(first) and os.path.isdir(second) and first != second
    with pytest.raises(OSError), fetching.scratch_folder(str(tmp_path)):
        raise OSError('no more')
    assert os.listdir(str(tmp_path)) == ['mine']


def test_an_error_of_many_lines_or_none_is_one_line():
    assert fetching.one_line(OSError('a\n  b')) == 'a b'
    assert fetching.one_line(KeyError()) == 'KeyError'
