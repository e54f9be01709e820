"""TIFF layouts, each by hand: the pixels come out right, or the file is refused. And what decoding holds."""

import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import PIL
import pytest
import running

from resnet_in_tf.pictures import images

# Python 3.6's last Pillow refuses some layouts that later ones read, and holds a little more.
OLD = int(PIL.__version__.split('.')[0]) < 9

GREY = np.array([[0, 50, 100, 200, 255, 30, 60, 90]] * 3, np.uint8)
RGB = np.dstack([GREY, 255 - GREY, GREY // 2])
HALF = np.full_like(GREY, 128)
OVER_WHITE = 127 / 255.0, 128 / 255.0  # shares of white and of the picture at that alpha


def tiff(order, photometric, samples, bits=8, planar=1, packed=False, extra=(), sample_format=1, more=()):
    """A TIFF of one strip a plane; samples: array [H, W, C] of any dtype, as wide as `bits`."""
    height, width, count = samples.shape
    planes = [samples] if planar == 1 else [samples[..., n] for n in range(count)]
    strips = [np.ascontiguousarray(plane).tobytes() for plane in planes]
    if bits < 8:
        strips = [np.packbits(samples[..., 0], axis=1).tobytes()]
    strips = [zlib.compress(strip) for strip in strips] if packed else strips
    tags = [(256, 'I', [width]), (257, 'I', [height]), (258, 'H', [bits] * count),
            (259, 'H', [8 if packed else 1]), (262, 'H', [photometric]), (273, 'I', []),
            (277, 'H', [count]), (278, 'I', [height]), (279, 'I', [len(strip) for strip in strips]),
            (284, 'H', [planar]), (339, 'H', [sample_format] * count)] + list(more)
    tags += [(338, 'H', extra)] if extra else []
    offset = 8
    for strip in strips:
        tags[5][2].append(offset)
        offset += len(strip) + len(strip) % 2
    directory, values = struct.pack(order + 'H', len(tags)), b''
    for tag, kind, numbers in sorted(tags):
        data = struct.pack('%s%d%s' % (order, len(numbers), kind), *numbers)
        directory += struct.pack(order + 'HHI', tag, {'H': 3, 'I': 4}[kind], len(numbers))
        if len(data) > 4:
            directory += struct.pack(order + 'I', offset + 2 + 12 * len(tags) + 4 + len(values))
            values += data + bytes(len(data) % 2)
        else:
            directory += data.ljust(4, b'\0')
    head = b'II*\0' if order == '<' else b'MM\0*'
    return (head + struct.pack(order + 'I', offset)
            + b''.join(strip + bytes(len(strip) % 2) for strip in strips) + directory + bytes(4) + values)


def is_right_or_refused(data, wanted):
    """Whether the picture came out, True; False where it was refused."""
    try:
        pixels = images.decode(data, 'x')
    except images.PictureError as error:
        assert str(error).startswith('x: ') and '\n' not in str(error)
        return False
    assert abs(pixels.astype(int) - wanted).max() <= 3, (pixels[0, :5], wanted[0, :5])
    return True


def over_white(pixels):
    return np.rint(np.asarray(pixels) * OVER_WHITE[1] + 255 * OVER_WHITE[0]).astype(int)


def wide(samples, bits, order):
    scale = {8: 1, 16: 257, 32: 0x1010101}[bits]
    return (samples.astype(np.uint64) * scale).astype('%su%d' % (order, bits // 8))


COLOURS = {  # photometric, samples, extra samples, wanted; the first five have to come out
    'rgb': (2, RGB, (), RGB), 'rgbx': (2, np.dstack([RGB, HALF]), (0,), RGB),
    'rgba': (2, np.dstack([RGB, HALF]), (2,), over_white(RGB)),
    'premultiplied': (2, np.dstack([np.rint(RGB * OVER_WHITE[1]).astype(np.uint8), HALF]), (1,),
                      over_white(RGB)),
    'cmyk': (5, np.dstack([255 - RGB, 0 * GREY]), (), RGB),
    'grey alpha': (1, np.dstack([GREY, HALF]), (2,), over_white(np.dstack([GREY] * 3))),
    'inverted grey alpha': (0, np.dstack([255 - GREY, HALF]), (2,), over_white(np.dstack([GREY] * 3)))}


@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('name', sorted(COLOURS))
def test_colours_in_one_plane_or_several_and_of_8_or_16_bits(order, packed, name):
    photometric, samples, extra, wanted = COLOURS[name]
    for bits in (8, 16):
        for planar in (1, 2):
            data = tiff(order, photometric, wide(samples, bits, order), bits, planar, packed, extra)
            right = is_right_or_refused(data, wanted)
            assert right or bits == 16 or planar == 2 or 'grey' in name


@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('photometric', [0, 1])
def test_grey_of_any_depth_whether_0_is_black_or_white(order, packed, photometric):
    stored, wanted = (GREY if photometric else 255 - GREY)[..., None], np.dstack([GREY] * 3)
    for bits in (8, 16, 32):
        data = tiff(order, photometric, wide(stored, bits, order), bits, packed=packed)
        right = is_right_or_refused(data, wanted)
        assert right or bits == 32 or order + str(photometric) == '>0' or OLD
    for kind, sample_format in (('i1', 2), ('i2', 2), ('f4', 3)):  # what range they have nobody knows
        data = tiff(order, photometric, stored.astype(order + kind), 8 * int(kind[1]), packed=packed,
                    sample_format=sample_format)
        is_right_or_refused(data, wanted)
    bilevel = tiff(order, photometric, stored > 127, 1, packed=packed)
    assert is_right_or_refused(bilevel, np.dstack([(GREY > 127) * 255] * 3))


@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('scale', [257, 256, 1])
def test_a_colour_map_of_16_bits_or_by_mistake_of_8(order, scale):
    table = [int(value) * scale for channel in range(3) for value in list(RGB[0, :, channel]) + [0] * 248]
    index = np.array([list(range(8))] * 3, np.uint8)[..., None]
    assert is_right_or_refused(tiff(order, 3, index, more=[(320, 'H', table)]), RGB)


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('planar', [1, 2])
def test_lab_and_ycbcr_come_out_right_or_are_refused(packed, planar):
    red = np.dstack([np.full((4, 4), value, np.uint8) for value in (138, 81, 70)])  # CIE L*a*b*, D50
    right = is_right_or_refused(tiff('<', 8, red, planar=planar, packed=packed), np.array([[[251, 5, 4]]]))
    assert right == (planar == 1 and not OLD)
    grey = np.dstack([np.full((4, 4), value, np.uint8) for value in (77, 128, 128)])
    data = tiff('<', 6, grey, planar=planar, packed=packed, more=[(530, 'H', [1, 1])])
    is_right_or_refused(data, np.full([4, 4, 3], 77))


MEMORY = """
import sys
import numpy as np
from resnet_in_tf import memory
from resnet_in_tf.pictures import images
images.read(sys.argv[1])
before = memory.peak()
size = images.check(sys.argv[2])
pixels = images.%s(sys.argv[2])
print((memory.peak() - before) / (size[0] * size[1]))
"""


@pytest.mark.parametrize('colour, bits, transparent', [
    (0, 16, b''), (0, 16, b'\0\1'), (2, 16, b''), (4, 8, b''), (6, 8, b''), (0, 1, b''),
    (0, 8, b'\0\1'), (2, 8, bytes(6)), (2, 16, bytes(6))])
def test_decoding_holds_some_bytes_a_pixel_whatever_the_layout(tmp_path, colour, bits, transparent):
    """16 bits took 20 bytes a pixel, and what is transparent 25."""
    def png(side):
        def chunk(kind, data):
            return (struct.pack('>I', len(data)) + kind + data
                    + struct.pack('>I', zlib.crc32(kind + data) & 0xffffffff))
        row = bytes(1 + (side * bits * {0: 1, 2: 3, 4: 2, 6: 4}[colour] + 7) // 8)
        head = struct.pack('>IIBBBBB', side, side, bits, colour, 0, 0, 0)
        return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head)
                + (chunk(b'tRNS', transparent) if transparent else b'')
                + chunk(b'IDAT', zlib.compress(row * side, 1)) + chunk(b'IEND', b''))
    paths = [str(tmp_path / name) for name in ('small.png', 'large.png')]
    for path, side in zip(paths, (9, 4000)):
        with open(path, 'wb') as file:
            file.write(png(side))
    for function in ('read', 'read_rgba'):
        done = subprocess.run([sys.executable, '-c', MEMORY % function] + paths, stdout=subprocess.PIPE,
                              env=dict(os.environ, PYTHONPATH=running.ROOT), timeout=120, check=True)
        assert 3 <= float(done.stdout) <= (14.5 if OLD else 11)
