"""A file is written whole or not at all."""

import errno
import os

import pytest

from resnet_in_tf import files
from resnet_in_tf.errors import UserError


def names(folder):
    return sorted(os.listdir(str(folder)))


def test_what_is_written_reads_back_and_nothing_else_is_left(tmp_path):
    path = tmp_path / 'a.bin'
    files.write_file(str(path), b'one')
    files.write_file(str(path), b'two')
    assert path.read_bytes() == b'two' and names(tmp_path) == ['a.bin']


def test_missing_folders_are_made(tmp_path):
    files.write_file(str(tmp_path / 'new' / 'folder' / 'a'), b'x')
    assert names(tmp_path / 'new' / 'folder') == ['a']


def test_a_block_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / 'a'
    path.write_bytes(b'old')
    with pytest.raises(KeyboardInterrupt):
        with files.atomic_file(str(path)) as file:
            file.write(b'half of the ne')
            file.flush()
            assert len(names(tmp_path)) == 2
            raise KeyboardInterrupt
    assert path.read_bytes() == b'old' and names(tmp_path) == ['a']


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / 'real').write_bytes(b'old')
    os.symlink('real', str(tmp_path / 'link'))
    files.write_file(str(tmp_path / 'link'), b'new')
    assert os.path.islink(str(tmp_path / 'link')) and (tmp_path / 'real').read_bytes() == b'new'


def test_a_path_that_cannot_be_is_a_line_that_names_it(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder' / 'inside').mkdir()
    for path in (tmp_path / 'file' / 'a', tmp_path / 'folder'):
        with pytest.raises(UserError, match='%s: cannot be written' % path):
            files.write_file(str(path), b'x')
    assert names(tmp_path) == ['file', 'folder']


def test_a_full_disk_is_a_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(files.os, 'fsync', full)
    with pytest.raises(UserError, match='No space left on device'):
        files.write_file(str(tmp_path / 'a'), b'x')
    assert names(tmp_path) == []
