"""Pictures are written whole or not at all, resized, listed; what cannot be read says why."""

import io
import os
import subprocess
import sys
import warnings
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
from PIL import Image, ImageFile

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        yield


@pytest.fixture(scope='module')
def photo(face):
    return face[100:500:4, 300:800:4]  # [100, 125, 3]


@pytest.mark.parametrize('extension, error', [
    ('.png', 0), ('.bmp', 0), ('.tif', 0), ('.tiff', 0), ('.ppm', 0), ('.PNG', 0),
    ('.jpg', 3), ('.JPEG', 3), ('.jfif', 3), ('.webp', 3), ('.gif', 8)])
def test_written_picture_reads_back(tmp_path, photo, extension, error):
    path = str(tmp_path / ('photo' + extension))
    images.write(path, photo)
    assert images.check(path) == (125, 100)
    difference = abs(images.read(path).astype(int) - photo)
    assert difference.mean() <= error
    assert os.listdir(str(tmp_path)) == ['photo' + extension]


def test_floats_are_rounded_and_clipped():
    row = np.array([-5., .4, .6, 254.6, 300., 128.], np.float32)
    pixels = np.repeat(row[None, :, None], 3, 2)
    back = images.decode(images.encode(pixels, 'png'), 'x')
    assert back[0, :, 0].tolist() == [0, 0, 1, 255, 255, 128]


def test_alpha_is_kept_where_the_format_can_and_flattened_elsewhere(tmp_path):
    pixels = np.full((8, 8, 3), 100, np.uint8)
    alpha = np.full((8, 8), 128, np.uint8)
    for extension in ('.png', '.webp', '.tif'):
        path = str(tmp_path / ('a' + extension))
        images.write(path, pixels, alpha=alpha)
        colours, kept = images.read_rgba(path)
        assert (kept == 128).all() and abs(colours.astype(int) - 100).max() <= 2
    for extension in ('.jpg', '.bmp', '.ppm', '.gif'):
        path = str(tmp_path / ('a' + extension))
        images.write(path, pixels, alpha=alpha)
        colours, kept = images.read_rgba(path)
        assert kept is None and abs(colours.astype(int) - 177).max() <= 1


def test_quality_is_heeded_and_checked(photo):
    for format_ in ('jpeg', 'webp'):
        assert len(images.encode(photo, format_, 30)) < len(images.encode(photo, format_, 95))
    for quality in (0, 101):
        with pytest.raises(UserError, match='between 1 and 100'):
            images.encode(photo, 'jpeg', quality)


def test_what_cannot_be_encoded_is_refused(tmp_path, photo):
    with pytest.raises(UserError, match='NaN'):
        images.encode(np.full((2, 2, 3), np.nan), 'png')
    with pytest.raises(UserError, match='65500 pixels a side; write a .png'):
        images.encode(np.zeros((1, 65501, 3), np.uint8), 'jpeg')
    with pytest.raises(UserError, match='unknown picture format exr, use one of BMP'):
        images.encode(photo, 'exr')
    with pytest.raises(images.PictureError, match='unknown extension, use one of .bmp .gif'):
        images.write(str(tmp_path / 'a.exr'), photo)
    with pytest.raises(images.PictureError, match='NaN'):
        images.write(str(tmp_path / 'a.png'), np.full((2, 2, 3), np.inf))
    assert os.listdir(str(tmp_path)) == []
    for shape in ((2, 2), (2, 2, 4), (0, 2, 3)):
        with pytest.raises(ValueError, match='shape'):
            images.encode(np.zeros(shape, np.uint8), 'png')
    with pytest.raises(ValueError, match='alpha'):
        images.encode(photo, 'png', alpha=np.zeros((3, 3), np.uint8))


def test_places_that_cannot_be_written_get_one_line(tmp_path, photo):
    (tmp_path / 'file').write_bytes(b'')
    (tmp_path / 'folder.png').mkdir()
    for path, reason in (('none/a.png', 'there is no folder'), ('file/a.png', 'there is no folder'),
                         ('folder.png', 'not a regular file')):
        with pytest.raises(images.PictureError, match=reason) as caught:
            images.write(str(tmp_path / path), photo)
        assert str(caught.value).startswith(str(tmp_path / path) + ': ')
    assert sorted(os.listdir(str(tmp_path))) == ['file', 'folder.png']
    if os.path.isdir('/proc/self'):  # a folder that not even root can write
        with pytest.raises(images.PictureError, match='cannot write it: '):
            images.write('/proc/self/a.png', photo)


def test_full_disk_leaves_the_old_picture_and_one_line(tmp_path):
    resource = pytest.importorskip('resource')
    assert resource
    path = str(tmp_path / 'a.bmp')
    images.write(path, np.zeros((2, 2, 3), np.uint8))
    # A limit on the size of files makes the kernel refuse the write half way.
    program = ('import resource, sys; import numpy as np; from resnet_in_tf.pictures import images\n'
               'resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n'
               'try: images.write(sys.argv[1], np.zeros((100, 100, 3), np.uint8))\n'
               'except images.PictureError as error: print(error)')
    done = subprocess.run([sys.executable, '-c', program, path], cwd=_ROOT, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stdout.decode() == path + ': cannot write it: File too large\n', done.stderr
    assert images.check(path) == (2, 2)
    assert os.listdir(str(tmp_path)) == ['a.bmp']


def test_interrupted_writing_leaves_the_old_picture(tmp_path, photo, monkeypatch):
    path = str(tmp_path / 'a.png')
    images.write(path, photo)

    def interrupted(source, target):
        raise KeyboardInterrupt
    monkeypatch.setattr(os, 'replace', interrupted)
    with pytest.raises(KeyboardInterrupt):
        images.write(path, np.zeros((2, 2, 3), np.uint8))
    assert images.check(path) == (125, 100)
    assert os.listdir(str(tmp_path)) == ['a.png']


@pytest.mark.skipif(os.name == 'nt', reason='links and modes of a POSIX system')
def test_links_are_followed_and_the_mode_is_the_users(tmp_path, photo):
    link = str(tmp_path / 'link.png')
    os.symlink(str(tmp_path / 'real.png'), link)
    old = os.umask(0o027)
    try:
        images.write(link, photo)
    finally:
        os.umask(old)
    assert os.path.islink(link) and images.check(str(tmp_path / 'real.png')) == (125, 100)
    assert os.stat(link).st_mode & 0o777 == 0o640
    null = str(tmp_path / 'null.png')
    os.symlink(os.devnull, null)
    with pytest.raises(images.PictureError, match='not a regular file'):
        images.write(null, photo)


def test_what_cannot_be_opened_says_why(tmp_path):
    (tmp_path / 'empty.jpg').write_bytes(b'')
    (tmp_path / 'page.jpg').write_bytes(b'<!doctype html><title>404</title>' * 9)
    for name, reason in (('empty.jpg', 'the file is empty'), ('none.jpg', 'no such file'),
                         ('', 'is a folder, not a picture'),
                         ('empty.jpg/a.jpg', 'cannot read it: Not a directory'),
                         ('page.jpg', 'not a picture in a known format (JPEG, PNG,'),
                         ('two\nlines.jpg', 'no such file')):
        path = os.path.join(str(tmp_path), name)
        for function in (images.read, images.read_rgba, images.check):
            with pytest.raises(images.PictureError) as caught:
                function(path)
            assert reason in str(caught.value) and '\n' not in str(caught.value)
            assert str(caught.value).startswith(path.replace('\n', ' ') + ': ')


def test_check_puts_an_open_file_back_where_it_was(photo):
    file = io.BytesIO(images.encode(photo, 'png'))
    file.seek(3)
    assert images.check(file) == (125, 100)
    assert file.tell() == 3


def test_reading_changes_nothing_in_the_process_and_works_in_threads(photo):
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, 'JPEG', exif=b'Exif\0\0II*\0\x08\0\0\0\xff\xffgarbage')
    data = buffer.getvalue()
    with pytest.raises(UserWarning):  # this is a file that Pillow warns of
        Image.open(io.BytesIO(data)).getexif().get(1)
    before = (list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change places all the time
    try:
        with ThreadPool(4) as pool:
            read = pool.map(lambda _: images.decode(data, 'x'), range(100))
    finally:
        sys.setswitchinterval(interval)
    assert all(np.array_equal(pixels, read[0]) for pixels in read)
    assert abs(read[0].astype(int) - photo).mean() < 9
    assert before == (warnings.filters, Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_resize_is_antialiased():
    flat = np.full((9, 5, 3), 60, np.uint8)
    assert (images.resize(flat, 20, 3) == np.full((3, 20, 3), 60)).all()
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)  # [64, 64]
    assert abs(images.resize(board, 8, 8).astype(int) - 127.5).max() < 12
    with pytest.raises(ValueError):
        images.resize(flat, 0, 3)


def test_pictures_are_listed_from_a_file_a_folder_and_a_pattern(tmp_path):
    for name in ('b.JPG', 'a.png', 'notes.txt', '._a.png', 'sub/c.webp', 'sub/d.JPEG',
                 '.hidden/e.png', 'sub[1]/f.tif'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'')

    def listed(what):
        return [os.path.relpath(path, str(tmp_path)) for path in images.list_pictures(what)]
    root = str(tmp_path)
    everything = ['a.png', 'b.JPG', 'sub/c.webp', 'sub/d.JPEG', 'sub[1]/f.tif']
    assert listed(root) == everything
    assert listed(os.path.join(root, '**')) == everything
    assert listed(os.path.join(root, '*.png')) == ['a.png']
    assert listed(os.path.join(root, 'sub[1]')) == ['sub[1]/f.tif']
    assert listed(os.path.join(root, 'notes.txt')) == ['notes.txt']
    for what, reason in (('gone', 'no such file or folder'), ('.hidden/*.gif', 'no pictures'),
                         ('notes*', 'no pictures')):
        with pytest.raises(UserError, match=reason):
            listed(os.path.join(root, what))
