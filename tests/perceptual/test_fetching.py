"""Checksums and messages of fetched files; test_download and test_fetch_hed fetch them."""

import hashlib

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


def test_an_error_of_many_lines_or_none_is_one_line():
    assert fetching.one_line(OSError('a\n  b')) == 'a b'
    assert fetching.one_line(KeyError()) == 'KeyError'
