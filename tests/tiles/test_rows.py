"""Pictures by rows: read, reduced and written without being in memory whole."""

import os
import struct
import subprocess
import sys

import networks
import numpy as np
import pytest
import running
from PIL import Image

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles import large, row_files, rows, vips

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
import re, sys
from resnet_in_tf.tiles import row_files, vips
def peak():
    return int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1))
vips.library()
before = peak()
with row_files.open_source(sys.argv[1], 10 ** 10) as source:
    assert isinstance(source, vips.VipsSource)
    assert source.read(0, source.height).mean() > 1
print(peak() - before)
"""
    result = subprocess.run([sys.executable, '-c', code, path], cwd=running.ROOT, check=True,
                            stdout=subprocess.PIPE, universal_newlines=True)
    assert int(result.stdout) < 100000


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


@pytest.mark.parametrize('text, size', [
    ('2GB', 2 ** 31), ('500MB', 500 * 2 ** 20), ('1.5g', 3 * 2 ** 29), ('64 KiB', 2 ** 16),
    ('123456', 123456), (' 1 TB ', 2 ** 40)])
def test_sizes_of_memory_are_read_as_people_write_them(text, size):
    assert memory.parse_size(text) == size


@pytest.mark.parametrize('text', ['', '0', 'GB', '-1GB', '2 pounds', '1e9', 'nan', '0MB'])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UserError, match='^--max_memory .* is not a size of memory'):
        memory.parse_size(text)


def test_sizes_are_shown_so_that_what_is_shown_is_enough():
    for size in (1, 2 ** 20, 2 ** 20 + 1, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 31 + 1, 12345678901):
        assert size <= memory.parse_size(memory.show(size)) <= size * 1.1 + 2 ** 20
    assert memory.show(2 ** 31) == '2GB' and memory.show(600 * 2 ** 20) == '600MB'


def test_the_default_limit_heeds_a_containers(tmp_path, monkeypatch):
    (tmp_path / 'max').write_text('%d\n' % (3 * 2 ** 30))
    (tmp_path / 'now').write_text('%d\n' % (2 ** 30))
    free = memory.limit_by_default() - memory.resident()
    monkeypatch.setattr(memory, 'CGROUPS', ((str(tmp_path / 'max'), str(tmp_path / 'now'),
                                      str(tmp_path / 'stat'), 'inactive_file'),))
    within = memory.limit_by_default() - memory.resident()
    assert within <= memory.MARGIN * 2 * 2 ** 30 + 2 ** 20 and free > 0
    (tmp_path / 'max').write_text('max\n')
    assert memory.limit_by_default() - memory.resident() > 0.5 * free


@pytest.mark.parametrize('pair', range(2))
def test_files_pages_of_a_container_count_as_free(tmp_path, monkeypatch, pair):
    key = memory.CGROUPS[pair][-1]
    for name, text in (('max', 3 * 2 ** 30), ('now', 3 * 2 ** 30),
                       ('stat', 'anon 1\n%s %d\nactive_file 2' % (key, 2 * 2 ** 30)),
                       ('meminfo', 'MemAvailable: 99000000 kB')):
        (tmp_path / name).write_text('%s\n' % text)
    monkeypatch.setattr(memory, 'MEMINFO', str(tmp_path / 'meminfo'))
    monkeypatch.setattr(memory, 'CGROUPS', (tuple(str(tmp_path / name)
                                                  for name in ('max', 'now', 'stat')) + (key,),))
    free = memory.limit_by_default() - memory.resident()
    assert abs(free - memory.MARGIN * 2 * 2 ** 30) < 50 * 2 ** 20


def test_no_run_reserves_more_than_the_system_grants(tmp_path, monkeypatch):
    (tmp_path / 'meminfo').write_text('MemTotal: 8000000 kB\nMemFree: 1 kB\nSwapTotal: 500000 kB\n')
    monkeypatch.setattr(memory, 'MEMINFO', str(tmp_path / 'meminfo'))
    pixels = large.pixels_in(2 ** 50, 32)
    assert 0.9 < pixels * 9 * 32 * 4 / (8.5e6 * 1024) < 1  # 1x9 of 32 channels, float32
    assert large.pixels_in(2 ** 30, 32) < pixels // 2
    monkeypatch.setattr(memory, 'MEMINFO', str(tmp_path / 'none'))
    assert large.pixels_in(2 ** 50, 32) > 10 ** 11


@pytest.mark.slow
@pytest.mark.parametrize('engine', ['tensorflow', 'onnxruntime'])
def test_a_run_holds_what_it_is_said_to_hold(engine):
    if engine == 'onnxruntime':
        pytest.importorskip('onnxruntime')
        pytest.importorskip('tf2onnx')
    code = """
import sys
import numpy as np
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf import memory
stylizer = Stylizer(%r, engine=sys.argv[1])
weights = stylizer.style_weights(stylizer.styles[0])
stylizer.stylize(np.zeros([64, 64, 3]), weights)
before = memory.resident()
stylizer.stylize(np.zeros([1000, 700, 3]), weights)
print(memory.peak() - before, 1000 * 700 * memory.run_bytes(32, sys.argv[1]))
""" % networks.CHECKPOINT
    result = subprocess.run([sys.executable, '-c', code, engine], cwd=running.ROOT, check=True,
                            stdout=subprocess.PIPE, universal_newlines=True)
    grown, said = map(int, result.stdout.split())
    assert 0.5 * said < grown < said + memory.SLACK
