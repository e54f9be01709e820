"""onnxruntime-web comes through npm, is checked, and is kept."""

import io
import os
import sys
import tarfile

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports.web import packages

NAMES = sorted({name for each in packages.RUNTIMES.values() for name in each})


@pytest.fixture
def packed(monkeypatch, tmp_path):
    """Bytes of a package that has the right names; the path has what `npm` writes, and nothing else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as archive:
        for name in NAMES + ['ort.js']:
            member = tarfile.TarInfo('package/dist/' + name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    data = buffer.getvalue()
    (tmp_path / 'given.tgz').write_bytes(data)
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(packages, 'INTEGRITY', packages.integrity(data))
    return data


def npm(tmp_path, ends):
    """Puts an npm on the path: `ends` are lines of Python."""
    (tmp_path / 'bin').mkdir(exist_ok=True)
    path = tmp_path / 'bin' / 'npm'
    path.write_text('\n'.join([
        '#!' + sys.executable, 'import shutil, sys',
        'with open(%r, "a") as log: print(*sys.argv[1:], file=log)' % str(tmp_path / 'log'), ends, '']))
    path.chmod(0o755)


def gives(tmp_path):
    return 'shutil.copy(%r, "onnxruntime-web-%s.tgz")' % (str(tmp_path / 'given.tgz'), packages.VERSION)


def test_it_is_fetched_once(packed, tmp_path):
    npm(tmp_path, gives(tmp_path))
    for _ in range(2):
        assert packages.runtime_files() == {name: name.encode() for name in NAMES}
    assert (tmp_path / 'log').read_text().split('\n')[:-1] == [
        'pack onnxruntime-web@%s --ignore-scripts --loglevel=error' % packages.VERSION]
    assert os.listdir(str(tmp_path / 'cache' / 'npm')) == ['onnxruntime-web-%s.tgz' % packages.VERSION]


def test_what_is_kept_and_damaged_is_fetched_again(packed, tmp_path):
    npm(tmp_path, gives(tmp_path))
    packages.runtime_files()
    kept = tmp_path / 'cache' / 'npm' / ('onnxruntime-web-%s.tgz' % packages.VERSION)
    kept.write_bytes(packed[:100])
    packages.runtime_files()
    assert kept.read_bytes() == packed


def test_another_package_is_not_used(packed, tmp_path):
    npm(tmp_path, gives(tmp_path))
    (tmp_path / 'given.tgz').write_bytes(packed + b'more')
    with pytest.raises(UserError, match='is not that release: its integrity is sha512-'):
        packages.runtime_files()
    assert not (tmp_path / 'cache').exists()


def test_without_npm_one_line_says_so(packed):
    with pytest.raises(UserError, match='comes through npm, which cannot be run here .*; install Node.js'):
        packages.runtime_files()


def test_the_reason_of_npm_is_told(packed, tmp_path):
    npm(tmp_path, 'sys.exit("npm error code E404")')
    with pytest.raises(UserError, match=r'ended with status 1 \(npm error code E404\)'):
        packages.runtime_files()
