"""A file is written whole or not at all."""

import errno
import os
import subprocess
import sys
import threading

import pytest
import running

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


HALF_WRITTEN = """
import os, sys
from resnet_in_tf import files
with files.atomic_file(sys.argv[1]) as file:
    file.write(b'half'); file.flush()
    print('begun', flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def writer(tmp_path):
    """Starts a process that is in the middle of writing a file."""
    started = []

    def start(name):
        command = [sys.executable, '-c', HALF_WRITTEN, str(tmp_path / name)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env=dict(os.environ, PYTHONPATH=running.ROOT))
        started.append(process)
        assert process.stdout.readline() == b'begun\n'
        return process
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path, writer):
    pytest.importorskip('fcntl')
    killed, living = writer('a'), writer('b')
    killed.kill()
    killed.wait()
    (tmp_path / '.other.tmp').write_bytes(b'')
    (tmp_path / ('.%032x.tmp' % 7)).write_bytes(b'')  # nobody knows whose
    assert len(names(tmp_path)) == 4
    files.remove_leftovers(str(tmp_path))
    assert len(names(tmp_path)) == 3
    living.communicate(b'go on\n')
    assert living.returncode == 0 and (tmp_path / 'b').read_bytes() == b'half'
    files.write_file(str(tmp_path / 'a'), b'whole')
    assert names(tmp_path) == ['.%032x.tmp' % 7, '.other.tmp', 'a', 'b']


def test_writing_a_file_tidies_its_folder(tmp_path, writer):
    pytest.importorskip('fcntl')
    process = writer('a')
    process.kill()
    process.wait()
    files.write_file(str(tmp_path / 'b'), b'whole')
    assert names(tmp_path) == ['b']


def test_tidying_never_takes_a_file_from_under_a_writer(tmp_path):
    stop = threading.Event()

    def tidy():
        while not stop.is_set():
            files.remove_leftovers(str(tmp_path))
    tidiers = [threading.Thread(target=tidy) for _ in range(2)]
    for thread in tidiers:
        thread.start()
    try:
        for number in range(200):
            with files.atomic_file(str(tmp_path / ('%03d' % number))) as file:
                file.write(b'x')
    finally:
        stop.set()
        for thread in tidiers:
            thread.join()
    assert len(names(tmp_path)) == 200


def test_tidying_bears_whatever_stands_in_a_folder(tmp_path):
    name = files.TEMPORARY % ('0' * 32)
    (tmp_path / name).mkdir()
    os.symlink('nowhere', str(tmp_path / (files.TEMPORARY % ('1' * 32))))
    os.mkfifo(str(tmp_path / (files.TEMPORARY % ('2' * 32))))
    files.remove_leftovers(str(tmp_path / 'none'))
    files.remove_leftovers(str(tmp_path))
    assert name in names(tmp_path) and files.TEMPORARY % ('1' * 32) in names(tmp_path)


SCRATCH = """
import os, sys
from resnet_in_tf import files
with files.scratch_folder(sys.argv[1]) as folder:
    open(os.path.join(folder, 'half'), 'w').close()
    print('begun', flush=True)
    sys.stdin.readline()
"""


def test_a_scratch_folder_stays_while_its_maker_lives_and_goes_after_a_kill(tmp_path):
    with subprocess.Popen([sys.executable, '-c', SCRATCH, str(tmp_path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=running.ROOT)) as process:
        assert process.stdout.readline() == b'begun\n'
        files.remove_leftovers(str(tmp_path))
        assert len(names(tmp_path)) == 1
        process.kill()
    assert len(names(tmp_path)) == 1
    with files.scratch_folder(str(tmp_path)) as folder:
        assert names(tmp_path) == [os.path.basename(folder)]
    assert names(tmp_path) == []


def test_what_libraries_leave_in_the_temporary_folder_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(files.tempfile, 'tempdir', str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        with files.own_temporary_folder():
            files.tempfile.NamedTemporaryFile(delete=False).close()
            raise KeyboardInterrupt
    assert files.tempfile.gettempdir() == str(tmp_path) and names(tmp_path) == []


def test_one_thread_at_a_time_has_the_temporary_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(files.tempfile, 'tempdir', str(tmp_path))
    inside, there = threading.Barrier(2), []

    def make():
        inside.wait(running.TIMEOUT)
        with files.own_temporary_folder() as folder, files.own_temporary_folder() as inner:
            there.append((os.path.dirname(folder), os.path.dirname(inner) == folder, len(names(tmp_path))))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(running.TIMEOUT)
    assert there == [(str(tmp_path), True, 1)] * 2
    assert files.tempfile.gettempdir() == str(tmp_path) and names(tmp_path) == []


def test_readable_names_are_text_that_utf8_can_hold():
    assert files.readable('wave.jpg') == 'wave.jpg'
    assert files.readable(os.fsdecode('caf\u00e9'.encode('utf-8'))) == 'caf\u00e9'
    assert files.readable(os.fsdecode(b'caf\xe9')) == 'caf\ufffd'


@pytest.mark.parametrize('text', ['', '{', '[1,', b'\xff\xfe', memoryview(b'['),
                                  pytest.param('[' * 10 ** 5, id='lists'),
                                  pytest.param('{"a":' * 10 ** 5, id='objects')])
def test_what_is_no_json_is_a_value_error_however_deep_it_goes(text):
    with pytest.raises(ValueError):
        files.parse_json(text)


@pytest.mark.parametrize('text', ['{"caf\u00e9": [1]}', '{"caf\u00e9": [1]}'.encode('utf-8')])
def test_json_is_read_from_text_and_from_bytes(text):
    assert files.parse_json(text) == {'caf\u00e9': [1]}
