"""What a file says of itself costs no more than its picture: bounds, and the orientation alone."""

import io
import os
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import running
from PIL import Image

from resnet_in_tf.pictures import containers, images

UPRIGHT = np.zeros((16, 48, 3), np.uint8)
UPRIGHT[:8, :16], UPRIGHT[8:, 32:] = (255, 0, 0), (0, 0, 255)
STORED = np.rot90(UPRIGHT, 1)  # as orientation 6 has it


def chunk(kind, data):
    checksum = zlib.crc32(kind + data) & 0xffffffff
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', checksum)


def saved(format_, pixels=STORED, **options):
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format_, **options)
    return buffer.getvalue()


def exif(order='<', entries=((0x0112, 3, 1, 6),), data=b''):
    """An EXIF block: its tags as (tag, type, count, value), then `data`."""
    block = {'<': b'II*\0', '>': b'MM\0*'}[order] + struct.pack(order + 'IH', 8, len(entries))
    for tag, type_, count, value in entries:
        value = struct.pack(order + ('HH' if type_ == 3 else 'I'), *([value, 0] if type_ == 3 else [value]))
        block += struct.pack(order + 'HHI', tag, type_, count) + value
    return block + bytes(4) + data


def bomb(count, size):
    """EXIF whose tags all point at the same bytes; Pillow makes a copy for each."""
    start = 8 + 2 + 12 * (count + 1) + 4
    tags = [(0x0112, 3, 1, 6)] + [(0x8000 + tag, 7, size, start) for tag in range(count)]
    return exif('<', tags, bytes(size))


def with_exif(format_, block, where='before'):
    if format_ == 'PNG':
        data = saved('PNG')
        place = 33 if where == 'before' else len(data) - 12
        return data[:place] + chunk(b'eXIf', block) + data[place:]
    if format_ == 'WEBP':
        return saved('WEBP', exif=block, lossless=True)
    data = saved('JPEG', quality=100, subsampling=0)
    parts = (b'http://ns.adobe.com/xap/1.0/\0<x/>', b'Exif\0\0' + block)
    return b''.join([data[:2]] + [b'\xff\xe1' + struct.pack('>H', len(part) + 2) + part for part in parts]
                    + [data[2:]])


def is_upright(data):
    assert images.check(io.BytesIO(data)) == (48, 16)
    return abs(images.decode(data, 'x').astype(int) - UPRIGHT).max() <= 4


@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('format_, where', [('PNG', 'before'), ('PNG', 'behind'), ('WEBP', ''), ('JPEG', '')])
def test_orientation_is_read_wherever_it_stands(format_, where, order):
    many = tuple((tag, 4, 1, 9) for tag in range(0x100, 0x10c))
    for block in (exif(order), exif(order, many + ((0x0112, 3, 1, 6),)), exif(order, ((0x0112, 4, 1, 6),))):
        assert is_upright(with_exif(format_, block, where))
        if format_ != 'JPEG':  # some writers put JPEG's introduction before it
            assert is_upright(with_exif(format_, b'Exif\0\0' + block, where))


@pytest.mark.parametrize('block', [
    b'', b'II*\0', b'II*\0\xff\xff\xff\xff', b'II*\0\x08\0\0\0\xff\xff', exif(entries=()),
    b'XX*\0' + exif()[4:], exif(entries=((0x0112, 3, 1, 0),)), exif(entries=((0x0112, 3, 1, 9),)),
    exif(entries=((0x0112, 3, 9, 6),)), exif(entries=((0x0112, 2, 1, 6),)), exif()[:15]])
def test_a_block_that_tells_no_orientation_changes_nothing(block):
    for format_ in ('PNG', 'JPEG', 'WEBP'):
        data = with_exif(format_, block)
        assert images.check(io.BytesIO(data)) == (16, 48)
        assert abs(images.decode(data, 'x').astype(int) - STORED).max() <= 4


def tiff_bomb(count, size):
    data = bytearray(saved('TIFF', tiffinfo={0x0112: 6}))
    place = struct.unpack('<I', data[4:8])[0]
    number = struct.unpack('<H', data[place:place + 2])[0]
    tags = bytes(data[place + 2:place + 2 + 12 * number])
    start = len(data)
    tags += b''.join(struct.pack('<HHII', 0x9000 + tag, 7, size, start) for tag in range(count))
    data += bytes(size)
    data[4:8] = struct.pack('<I', len(data))
    # the next page is this one
    return bytes(data) + struct.pack('<H', number + count) + tags + struct.pack('<I', len(data))


LIMITED = """
import resource, sys
from resnet_in_tf.pictures import images
images.decode(open(sys.argv[1], 'rb').read(), 'warm')
used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 64 * 2 ** 20,) * 2)
for path in sys.argv[1:]:
    print(images.read(path).shape, images.check(path))
"""


def test_tags_that_all_point_at_one_place_take_no_memory(tmp_path):
    files = {'0.png': with_exif('PNG', exif()), 'a.png': with_exif('PNG', bomb(3000, 300000)),
             'b.png': with_exif('PNG', bomb(3000, 300000), 'behind'),
             'c.webp': with_exif('WEBP', bomb(3000, 300000)),
             'd.jpg': with_exif('JPEG', bomb(2600, 30000)), 'e.tif': tiff_bomb(3000, 300000)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, '-c', LIMITED] + [str(tmp_path / name) for name in sorted(files)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          timeout=120, env=dict(os.environ, PYTHONPATH=running.ROOT))
    assert done.stdout.splitlines() == ['(16, 48, 3) (48, 16)'] * 6, done.stderr


def scans_of(count, side=64):
    data = saved('JPEG', np.zeros((side, side), np.uint8), progressive=True)
    last = data.rindex(b'\xff\xda')
    return data[:last] + data[last:-2] * count + data[-2:]


def test_scans_of_a_jpeg_are_bounded_by_number_and_by_pixels():
    assert images.decode(scans_of(40), 'x').shape == (64, 64, 3)
    with pytest.raises(images.PictureError, match='^x: a JPEG of 101 and more scans'):
        images.check(io.BytesIO(scans_of(2000)), 'x')
    with pytest.raises(images.PictureError, match='scans, refused before decoding'):
        images.decode(scans_of(40), 'x', max_pixels=64 * 64)
    plain = saved('JPEG', np.zeros((64, 64, 3), np.uint8), progressive=True)  # what encoders write
    assert images.decode(plain, 'x', max_pixels=64 * 64).shape == (64, 64, 3)


def test_what_follows_a_jpeg_is_no_scan_of_it():
    film = bytes(random.Random(1).randrange(256) for _ in range(5000)) + b'\xff\xda\0\x08' * 200
    for options in ({}, {'progressive': True}):
        data = saved('JPEG', **options)
        assert np.array_equal(images.decode(data + film, 'x'), images.decode(data, 'x'))


def png_of(parts):
    data = saved('PNG')
    return data[:33] + b''.join(parts) + data[33:]


def test_parts_are_bounded_by_number():
    for count, refused in ((2000, False), (30000, True)):
        com, app = b'\xff\xfe\0\2', b'\xff\xed\0\x10Photoshop 3.0\0'
        jpeg = saved('JPEG')
        files = [png_of([chunk(b'aaAa', b'')] * count), png_of([chunk(b'tEXt', b'a\0b')] * count),
                 jpeg[:2] + com * count + jpeg[2:], jpeg[:2] + app * count + jpeg[2:]]
        for data in files:
            if refused:
                with pytest.raises(images.PictureError, match='^x: the file has more than 1.... parts'):
                    images.check(io.BytesIO(data), 'x')
            else:
                assert images.decode(data, 'x').shape == STORED.shape
    pixels = chunk(b'IDAT', b'')
    with pytest.raises(images.PictureError, match='parts'):
        images.check(io.BytesIO(png_of([pixels] * 30000)), 'x')


def test_comments_of_a_gif_are_passed_over():
    """Pillow adds them up piece by piece: 8 MB took a minute."""
    data = saved('GIF')
    place = data.index(b'\x2c\0\0\0\0')
    long = b'!\xfe' + (b'\xff' + b'a' * 255) * 60000 + b'\0'
    transparent = b'!\xf9\4\1\0\0\0\0'
    expected = images.decode(data, 'x')
    assert np.array_equal(images.decode(data[:place] + long + data[place:], 'x'), expected)
    for comment in (b'', long):  # what is behind a comment still counts
        pixels = images.decode(data[:place] + comment + transparent + comment + data[place:], 'x')
        assert (pixels == 255).any() and not np.array_equal(pixels, expected)
    with pytest.raises(images.PictureError, match='parts'):
        images.check(io.BytesIO(data[:place] + b'!\xfe\1a\0' * 30000 + data[place:]), 'x')
    with pytest.raises(images.PictureError, match='parts'):
        images.check(io.BytesIO(data[:place] + b'!\xfe' + b'\1a' * 30000 + b'\0' + data[place:]), 'x')


def test_a_large_picture_in_many_small_parts_is_read():
    noise = np.random.RandomState(3).randint(0, 256, (300, 1000, 3)).astype(np.uint8)
    data = saved('PNG', noise)
    start, pixels = 33, b''
    while start < len(data) - 12:
        length = struct.unpack('>I', data[start:start + 4])[0]
        pixels += data[start + 8:start + 8 + length]
        start += 12 + length
    parts = [chunk(b'IDAT', pixels[place:place + 90]) for place in range(0, len(pixels), 90)]
    assert len(parts) > 10000
    assert np.array_equal(images.decode(data[:33] + b''.join(parts) + data[-12:], 'x'), noise)


def test_values_of_a_tiff_are_bounded():
    data = bytearray(saved('TIFF'))
    place = struct.unpack('<I', data[4:8])[0]
    for number in range(struct.unpack('<H', data[place:place + 2])[0]):
        entry = place + 2 + 12 * number
        if struct.unpack('<H', data[entry:entry + 2])[0] in (273, 258):
            changed = bytearray(data)
            changed[entry + 4:entry + 8] = struct.pack('<I', 10 ** 8)
            with pytest.raises(images.PictureError, match='^x: a TIFF with 100000000 values of tag 2'):
                images.decode(bytes(changed), 'x')


def test_a_view_reads_like_the_pieces_in_one():
    whole = bytes(range(256)) * 40
    chance = random.Random(7)
    pieces, expected = [], b''
    for _ in range(60):
        start = chance.randrange(len(whole))
        stop = start + chance.randrange(1, 200)
        pieces.append(whole[start:stop] if chance.random() < .3 else (start, min(stop, len(whole))))
        expected += whole[start:stop]
    for view in (containers.View(io.BytesIO(whole), pieces),
                 io.BufferedReader(containers.View(io.BytesIO(whole), pieces), 64)):
        assert view.read() == expected and view.read() == b''
        for _ in range(300):
            place, length = chance.randrange(len(expected) + 9), chance.randrange(300)
            assert view.seek(place) == view.tell() == place
            data = view.read(length)
            assert data == expected[place:place + len(data)]
            assert data or not length or place >= len(expected)
        assert view.seek(-3, io.SEEK_END) == len(expected) - 3 and view.read(9) == expected[-3:]
