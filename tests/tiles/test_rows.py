"""Pictures by rows: read, reduced and written without being in memory whole."""

import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import running
from PIL import Image

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles import row_files, rows, vips

PLENTY = 2 ** 40
needs_vips = pytest.mark.skipif(vips.library() is None, reason='needs pyvips')


def read_in_bands(source, step=37, overlap=11):
    """A picture read as tiles read it: bands that overlap, from the top to the bottom."""
    pixels, alpha = [], []
    for start in range(0, source.height, step):
        source.read(max(0, start - overlap), min(start + step + overlap, source.height))
        pixels.append(source.read(start, min(start + step, source.height)).copy())
        alpha.append(source.read_alpha(start, min(start + step, source.height)))
    return np.concatenate(pixels), np.concatenate(alpha) if source.has_alpha else None


def save(path, face, **options):
    Image.fromarray(face[:301, :203]).save(str(path), **options)
    return str(path)


def write(path, pixels, alpha=None, quality=95):
    with row_files.open_sink(path, rows.MemorySource(pixels, alpha), quality) as sink:
        for start in range(0, len(pixels), 50):
            sink.write(pixels[start:start + 50], None if alpha is None else alpha[start:start + 50])
        sink.finish()
    return type(sink)


@needs_vips
@pytest.mark.parametrize('name, options', [
    ('a.jpg', {'quality': 90}), ('a.jpg', {'quality': 80, 'progressive': True}), ('a.png', {}),
    ('a.tif', {}), ('a.tif', {'compression': 'tiff_lzw'})])
def test_streamed_rows_equal_the_picture_read_whole(tmp_path, face, name, options):
    path = save(tmp_path / name, face, **options)
    with row_files.open_source(path, PLENTY) as source:
        assert isinstance(source, vips.VipsSource)
        for _ in range(2):  # the second time from the top again
            assert np.array_equal(read_in_bands(source)[0], images.read(path))


@needs_vips
def test_streamed_grey_transparent_and_profiled_pictures_equal_those_read_whole(
        tmp_path, face, shared_data):
    Image.fromarray(face[:99, :80]).convert('L').save(str(tmp_path / 'grey.png'))
    opacity = np.arange(99 * 80).reshape(99, 80).astype(np.uint8)
    images.write(str(tmp_path / 'rgba.png'), face[:99, :80], alpha=opacity)
    for path in (str(tmp_path / 'grey.png'), str(tmp_path / 'rgba.png'),
                 os.path.join(shared_data, 'hard_images', 'icc_wide_gamut.jpg')):
        with row_files.open_source(path, PLENTY) as source:
            assert isinstance(source, vips.VipsSource)
            pixels, alpha = read_in_bands(source)
        expected, opacity = images.read_rgba(path)
        assert np.array_equal(pixels, expected)
        assert (alpha is None and opacity is None) or np.array_equal(alpha, opacity)


def test_a_file_is_read_by_rows_without_what_it_says_of_itself(tmp_path, face):
    """libvips has it copied, tag by tag: 3,000 tags that point at the same 300 KB took 1 GB."""
    if vips.library() is None:
        pytest.skip('needs pyvips')
    start = 8 + 2 + 12 * 3000 + 4
    block = struct.pack('<4sIH', b'II*\0', 8, 3000) + b''.join(
        struct.pack('<HHII', 0x9c9b + tag % 5, 7, 300000, start) for tag in range(3000)) + bytes(300004)
    path = str(tmp_path / 'a.png')
    image = Image.fromarray(face[:99, :80])
    image.save(path, exif=block)
    code = """
import sys
from resnet_in_tf import memory
from resnet_in_tf.tiles import row_files, vips
vips.library()
before = memory.peak()
with row_files.open_source(sys.argv[1], 10 ** 10) as source:
    assert isinstance(source, vips.VipsSource)
    assert source.read(0, source.height).mean() > 1
print(memory.peak() - before)
"""
    result = subprocess.run([sys.executable, '-c', code, path], cwd=running.ROOT, check=True,
                            stdout=subprocess.PIPE, universal_newlines=True)
    assert int(result.stdout) < 100 * 2 ** 20


def test_every_valid_picture_reads_the_same_by_rows_and_whole(shared_data):
    folder, seen = os.path.join(shared_data, 'hard_images'), 0
    for path in images.list_pictures(folder):
        try:
            expected, opacity = images.read_rgba(path)
        except UserError:
            with pytest.raises(UserError):
                with row_files.open_source(path, PLENTY) as source:
                    read_in_bands(source)
            continue
        with row_files.open_source(path, PLENTY) as source:
            pixels, alpha = read_in_bands(source)
        assert np.array_equal(pixels, expected), path
        assert (alpha is None) == (opacity is None), path
        seen += 1
    assert seen > 20


def test_pictures_to_be_turned_or_of_other_formats_are_decoded_whole_then_spooled(tmp_path, face):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / 'turned.jpg', face, exif=exif)
    save(tmp_path / 'a.webp', face)
    for name in ('turned.jpg', 'a.webp'):
        with row_files.open_source(str(tmp_path / name), PLENTY) as source:
            assert isinstance(source, rows.SpooledSource)
            assert np.array_equal(read_in_bands(source)[0], images.read(str(tmp_path / name)))


def test_a_picture_too_large_to_decode_whole_is_refused_with_advice(tmp_path, face):
    path = save(tmp_path / 'a.webp', face)
    with pytest.raises(UserError, match='a.webp: decoding it takes .* more than --max_memory'):
        with row_files.open_source(path, memory.resident() + 100000):
            pytest.fail('it was opened')


def test_memory_for_decoding_is_that_of_the_format_within(tmp_path, face, monkeypatch):
    save(tmp_path / 'a.webp', face)
    (tmp_path / 'a.webp').rename(tmp_path / 'a.jpg')
    monkeypatch.setattr(memory, 'decoding_bytes', {'WEBP': 10 ** 9, 'JPEG': 1}.get)
    with pytest.raises(UserError, match='a.jpg: decoding it takes'):
        with row_files.open_source(str(tmp_path / 'a.jpg'), PLENTY):
            pytest.fail('it was opened')


@pytest.mark.parametrize('name', ['a.png', 'a.tif', 'a.bmp', 'a.webp', 'a.jpg'])
@pytest.mark.parametrize('streaming', [True, False])
def test_rows_become_a_file_that_holds_them(tmp_path, face, name, streaming, monkeypatch):
    if not streaming:
        monkeypatch.setattr(vips, 'library', lambda: None)
    path, pixels = str(tmp_path / name), face[:133, :95]
    kind = write(path, pixels)
    if streaming and vips.library() and name[2:] in ('png', 'tif', 'jpg'):
        assert kind is vips.VipsSink
    result = images.read(path).astype(int)
    lossy = name in ('a.webp', 'a.jpg')
    assert np.abs(result - pixels).mean() < (3 if lossy else 1e-9)
    assert os.listdir(str(tmp_path)) == [name]


@pytest.mark.parametrize('name', ['a.png', 'a.jpg'])
def test_transparency_is_written_where_the_format_holds_it(tmp_path, face, name):
    alpha = np.zeros([60, 95], np.uint8)
    alpha[:, 50:] = 200
    write(str(tmp_path / name), face[:60, :95], alpha)
    result, kept = images.read_rgba(str(tmp_path / name))
    if name == 'a.png':
        assert np.array_equal(kept, alpha)
    else:
        assert kept is None and result[:, :40].min() > 250  # over white


def test_a_sink_that_is_not_finished_leaves_no_file(tmp_path, face):
    with pytest.raises(KeyboardInterrupt):
        with row_files.open_sink(str(tmp_path / 'a.png'), rows.MemorySource(face), 95) as sink:
            sink.write(face[:50], None)
            raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('most', [10 ** 6, 300000, 60000, 4000])
def test_a_reduced_copy_is_near_pillows_and_within_its_size(face, most):
    copy = rows.reduced_copy(rows.MemorySource(face), most, band=64)
    assert 0.95 * min(most, face.size // 3) < len(copy) * copy.shape[1] <= most
    pillows = np.asarray(Image.fromarray(face).resize(copy.shape[1::-1], Image.BILINEAR))
    assert np.abs(copy.astype(int) - pillows).mean() < 4
