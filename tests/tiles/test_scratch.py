"""Temporary files of tiles lie on a disk where there is one, and count as memory where there is none."""

import os
import subprocess
import tempfile

import numpy as np
import pytest

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles import exact, row_files, scratch


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


@pytest.fixture
def tile(tmp_path, monkeypatch):
    """How large a tile is, of a WebP of 100 x 100 pixels, decoded whole: a function of --max_memory."""
    path = str(tmp_path / 'a.webp')
    images.write(path, np.zeros([100, 100, 3], np.uint8))
    monkeypatch.setattr(memory, 'resident', lambda: 0)

    def size(max_memory=2 ** 30, channels=8, **given):
        with row_files.open_source(path, max_memory) as source, \
                row_files.open_sink(str(tmp_path / 'b.webp'), source, 95) as sink:
            return row_files.tile_pixels(path, max_memory, channels, source, sink, **given)
    return size


def test_pixels_in_memory_count(mounts, tile):
    area, each = 100 * 100, memory.run_bytes(8)
    mounts('/dev/sda / ext4 rw 0 0')
    on_disk = tile()
    with pytest.raises(UserError, match='decoding it takes 1MB, more than --max_memory 1MB'):
        tile(memory.decoding_bytes('WEBP') * area - 1)
    with pytest.raises(UserError, match='encoding its result takes'):
        tile(memory.decoding_bytes('WEBP') * area)
    mounts('tmpfs / tmpfs rw 0 0')
    with pytest.raises(UserError, match='decoding it takes'):
        tile(memory.decoding_bytes('WEBP') * area)
    rows = 2 * row_files.SPOOL_BYTES * area  # the photo's and the result's
    assert 0 <= (on_disk - tile()) * each - rows < each


def test_features_in_memory_count(mounts, tile):
    features, each = exact.DISK_BYTES * 64 * 100 * 100, memory.run_bytes(64)
    mounts('/dev/sda / ext4 rw 0 0')
    assert tile(channels=64, exact=True) == tile(channels=64)
    mounts('tmpfs / tmpfs rw 0 0')
    assert abs((tile(channels=64) - tile(channels=64, exact=True)) * each - features) < each
    with pytest.raises(UserError, match='too little .* it takes [0-9]+MB$') as raised:
        tile(150 * 2 ** 20, channels=64)
    enough = memory.parse_size(str(raised.value).split()[-1])
    assert tile(enough, channels=64) > 0
    with pytest.raises(UserError, match='too little .* 3MB of it for what --exact keeps in .* TMPDIR'):
        tile(enough, channels=64, exact=True)
    assert tile(enough + features, channels=64, exact=True) > 0


def test_a_real_file_system_in_memory_is_known(tmp_path):
    if os.geteuid() or subprocess.call(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(tmp_path)],
                                       stderr=subprocess.DEVNULL):
        pytest.skip('no file system can be mounted here')
    try:
        assert scratch.is_memory(str(tmp_path))
    finally:
        subprocess.check_call(['umount', str(tmp_path)])
