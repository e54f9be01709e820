"""Temporary files of tiles lie on a disk where there is one, and count as memory where there is none."""

import os
import subprocess
import tempfile

import numpy as np
import pytest

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles import row_files, scratch


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    """Makes the system tell of mounts: a function of lines."""
    def tell(*lines):
        (tmp_path / 'mounts').write_text(''.join(line + '\n' for line in lines))
        monkeypatch.setattr(scratch, 'MOUNTS', str(tmp_path / 'mounts'))
    return tell


def test_the_innermost_mount_says_what_a_folder_lies_on(mounts):
    mounts('/dev/sda / ext4 rw 0 0', 'tmpfs /run tmpfs rw 0 0', '/dev/sdb /run/disk ext4 rw 0 0',
           'tmpfs /with\\040blank tmpfs rw 0 0', 'tmpfs /caf\u00e9 tmpfs rw 0 0', 'broken')
    assert not scratch.is_memory('/usr') and scratch.is_memory('/run/user')
    assert not scratch.is_memory('/run/disk/a') and not scratch.is_memory('/running')
    assert scratch.is_memory('/with blank/a') and scratch.is_memory('/caf\u00e9')


def test_a_system_that_does_not_tell_has_disks(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, 'MOUNTS', str(tmp_path / 'none'))
    assert not scratch.is_memory('/tmp') and scratch.memory_bytes(7) == 0


def test_a_disk_is_taken_where_the_usual_folder_is_memory(mounts, monkeypatch, tmp_path):
    usual, disk = tmp_path / 'usual', tmp_path / 'disk'
    usual.mkdir()
    disk.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(usual))
    monkeypatch.setattr(scratch, 'OTHERWISE', str(disk))
    mounts('/dev/sda / ext4 rw 0 0')
    assert scratch.folder() == str(usual) and scratch.memory_bytes(7) == 0
    mounts('/dev/sda / ext4 rw 0 0', 'tmpfs %s tmpfs rw 0 0' % usual)
    assert scratch.folder() == str(disk) and scratch.memory_bytes(7) == 0
    mounts('tmpfs / tmpfs rw 0 0')
    assert scratch.folder() == str(usual) and scratch.memory_bytes(7) == 7


def test_pixels_in_memory_count(mounts, monkeypatch, tmp_path):
    path = str(tmp_path / 'a.webp')  # is decoded whole
    images.write(path, np.zeros([100, 100, 3], np.uint8))
    monkeypatch.setattr(memory, 'resident', lambda: 0)
    enough = row_files.WHOLE_BYTES * 100 * 100
    mounts('/dev/sda / ext4 rw 0 0')
    with row_files.open_source(path, enough) as source:
        on_disk = row_files.tile_pixels(path, 2 ** 30, 8, source)
    mounts('tmpfs / tmpfs rw 0 0')
    with pytest.raises(UserError, match='decoding it takes'), row_files.open_source(path, enough):
        pass
    with row_files.open_source(path, 2 * enough) as source:
        assert row_files.tile_pixels(path, 2 ** 30, 8, source) < on_disk


def test_a_real_file_system_in_memory_is_known(tmp_path):
    if os.geteuid() or subprocess.call(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(tmp_path)],
                                       stderr=subprocess.DEVNULL):
        pytest.skip('no file system can be mounted here')
    try:
        assert scratch.is_memory(str(tmp_path))
    finally:
        subprocess.check_call(['umount', str(tmp_path)])
