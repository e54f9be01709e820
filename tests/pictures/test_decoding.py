"""Every layout of pixels becomes the sRGB values it stands for; damage gives one line."""

import csv
import io
import os
import random
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from resnet_in_tf.pictures import images

_UNTURN = {1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud,
           5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x, 1),
           7: lambda x: np.rot90(x, 2).swapaxes(0, 1), 8: lambda x: np.rot90(x, -1)}


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        yield


def _chunk(kind, data):
    return (struct.pack('>I', len(data)) + kind + data
            + struct.pack('>I', zlib.crc32(kind + data) & 0xffffffff))


def _png(width, height, colour, bits, row, transparent=b''):
    """Returns a PNG whose rows are all alike; colour 0 grey, 2 RGB, 4 grey + alpha, 6 RGBA."""
    return (b'\x89PNG\r\n\x1a\n'
            + _chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, colour, 0, 0, 0))
            + (_chunk(b'tRNS', transparent) if transparent else b'')
            + _chunk(b'IDAT', zlib.compress((b'\0' + row) * height)) + _chunk(b'IEND', b''))


def _saved(pixels, format_, **options):
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format_, **options)
    return buffer.getvalue()


def test_hard_pictures_come_out_as_listed(shared_data):
    folder = os.path.join(shared_data, 'hard_images')
    with open(os.path.join(folder, 'EXPECTED.csv'), encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 42
    wanted, seen = {}, {}
    for row in rows:
        path = os.path.join(folder, row['file'])
        valid = row['status'] == 'valid'
        wanted[row['file']] = (int(row['width']), int(row['height'])) if valid else 'refused'
        try:
            pixels = images.read(path)
            assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
            size = pixels.shape[1::-1]
            assert images.check(path) == size
        except images.PictureError as error:
            assert str(error).startswith(path + ': ') and '\n' not in str(error)
            size = 'refused'
        either = row['note'].startswith('either:')
        seen[row['file']] = wanted[row['file']] if either else size
    assert seen == wanted


def test_eight_exif_orientations_show_the_same_picture(shared_data):
    folder = os.path.join(shared_data, 'hard_images')
    pictures = [images.read(os.path.join(folder, 'exif_orientation_%d.jpg' % n)).astype(int)
                for n in range(1, 9)]
    for picture in pictures:
        assert abs(picture - pictures[0]).mean() < 3  # JPEG noise of other block directions
        np.testing.assert_allclose(picture[8:16, 8:30].mean((0, 1)), [254, 0, 0], atol=9)
        np.testing.assert_allclose(picture[143:152, 210:230].mean((0, 1)), [0, 0, 254], atol=9)


def test_wide_gamut_profile_is_applied(shared_data):
    folder = os.path.join(shared_data, 'hard_images')
    srgb = images.read(os.path.join(folder, 'icc_srgb.jpg')).astype(int)
    wide = images.read(os.path.join(folder, 'icc_wide_gamut.jpg')).astype(int)
    with Image.open(os.path.join(folder, 'icc_wide_gamut.jpg')) as image:
        ignored = np.asarray(image).astype(int)
    assert abs(wide - srgb).mean() < 3 < 6 < abs(ignored - srgb).mean()


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 257, 32768, 257 * 200, 65535]], np.uint16)
    for format_ in ('PNG', 'TIFF'):
        pixels = images.decode(_saved(values, format_), 'x')
        assert pixels[0].tolist() == [[v] * 3 for v in (0, 1, 128, 200, 255)]
    row = struct.pack('>6H', 0, 257 * 100, 65535, 257, 257 * 254, 257 * 9)
    assert images.decode(_png(2, 1, 2, 16, row), 'x').tolist() == [[[0, 100, 255], [1, 254, 9]]]


@pytest.mark.parametrize('colour, bits, row, transparent, expected', [
    (0, 1, bytes([0b01000000]), struct.pack('>H', 0), [255, 255]),
    (0, 2, bytes([0b01100000]), struct.pack('>H', 1), [255, 170]),
    (0, 4, bytes([0x3a]), struct.pack('>H', 3), [255, 170]),
    (0, 8, bytes([9, 10]), struct.pack('>H', 9), [255, 10]),
    (0, 16, struct.pack('>2H', 40000, 257), struct.pack('>H', 40000), [255, 1]),
    (2, 8, bytes([9, 9, 9, 7, 7, 7]), struct.pack('>3H', 9, 9, 9), [255, 7]),
    (2, 16, struct.pack('>6H', *[40000] * 3 + [257] * 3), struct.pack('>3H', *[40000] * 3),
     [255, 1]),
    (4, 8, bytes([100, 128, 50, 255]), b'', [177, 50]),
    (6, 8, bytes([100, 100, 100, 0, 50, 50, 50, 255]), b'', [255, 50])])
def test_transparency_shows_white(colour, bits, row, transparent, expected):
    pixels = images.decode(_png(2, 1, colour, bits, row, transparent), 'x')
    assert pixels.tolist() == [[[value] * 3 for value in expected]]


def test_alpha_is_laid_over_the_colour_asked_for_or_kept(tmp_path):
    rgba = np.array([[[100, 0, 200, 128], [10, 20, 30, 0]]], np.uint8)
    path = str(tmp_path / 'a.png')
    Image.fromarray(rgba).save(path)
    assert images.read(path).tolist() == [[[177, 127, 227], [255, 255, 255]]]
    assert images.read(path, alpha='black').tolist() == [[[50, 0, 100], [0, 0, 0]]]
    pixels, alpha = images.read_rgba(path)
    assert pixels.tolist() == [[[100, 0, 200], [255, 255, 255]]]
    assert alpha.tolist() == [[128, 0]]
    images.write(path, pixels)
    assert images.read_rgba(path)[1] is None


@pytest.mark.parametrize('format_', ['PNG', 'WEBP', 'TIFF', 'JPEG'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_orientation_is_applied_in_every_format_that_stores_it(format_, orientation):
    upright = np.zeros((16, 48, 3), np.uint8)
    upright[:8, :16], upright[8:, 32:] = (255, 0, 0), (0, 0, 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {'TIFF': {'tiffinfo': {0x0112: orientation}},
               'WEBP': {'exif': exif.tobytes(), 'lossless': True},
               'JPEG': {'exif': exif.tobytes(), 'quality': 100, 'subsampling': 0}}
    data = _saved(_UNTURN[orientation](upright), format_,
                  **options.get(format_, {'exif': exif.tobytes()}))
    assert images.check(io.BytesIO(data)) == (48, 16)
    assert abs(images.decode(data, 'x').astype(int) - upright).max() <= 4


def test_profile_of_another_kind_of_pixels_or_a_broken_one_is_ignored():
    grey = np.full((4, 4), 77, np.uint8)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile('LAB')).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    for profile in (lab, srgb, b'no profile at all'):
        pixels = images.decode(_saved(grey, 'PNG', icc_profile=profile), 'x')
        assert pixels.shape == (4, 4, 3) and abs(pixels.astype(int) - 77).max() <= 1


def test_first_frame_counts():
    frames = [Image.fromarray(np.full((5, 7), value, np.uint8)) for value in (10, 200)]
    for format_ in ('GIF', 'WEBP', 'TIFF', 'PNG'):
        buffer = io.BytesIO()
        frames[0].save(buffer, format_, save_all=True, append_images=frames[1:],
                       duration=100)
        pixels = images.decode(buffer.getvalue(), 'x')
        assert pixels.shape == (5, 7, 3) and abs(pixels.astype(int) - 10).max() <= 2


def test_bomb_is_refused_before_it_is_decoded(monkeypatch):
    def decoded(self):
        raise AssertionError('decoded')
    monkeypatch.setattr(ImageFile.ImageFile, 'load', decoded)
    bomb = _png(14000, 13000, 0, 1, bytes(1750))
    with pytest.raises(images.PictureError, match='^b.png: 14000x13000 pixels .* 179 million'):
        images.decode(bomb, 'b.png')
    assert images.check(io.BytesIO(bomb), max_pixels=14000 * 13000) == (14000, 13000)


@pytest.mark.slow
def test_poster_of_a_hundred_megapixels_is_read():
    assert images.decode(_png(10000, 10000, 0, 1, bytes(1250)), 'x').shape == (10000, 10000, 3)


@pytest.mark.parametrize('format_', ['JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'GIF', 'PPM'])
def test_damaged_files_are_refused_or_read_and_nothing_else(face, format_):
    whole = _saved(face[::8, ::8], format_)
    for length in (1, 9, 30, len(whole) // 2):
        with pytest.raises(images.PictureError, match='^cut: '):
            images.decode(whole[:length], 'cut')
    chance = random.Random(5)
    for _ in range(25):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[chance.randrange(min(len(damaged), 800))] = chance.randrange(256)
        try:
            assert images.decode(bytes(damaged), 'x', max_pixels=10 ** 6).ndim == 3
        except images.PictureError as error:
            assert str(error).startswith('x: ') and '\n' not in str(error)


def test_formats_can_be_restricted_and_programs_are_never_run():
    png = _png(1, 1, 0, 8, b'\0')
    assert images.decode(png, 'x', formats=('JPEG', 'PNG')).shape == (1, 1, 3)
    with pytest.raises(images.PictureError, match='not a picture in a known format .JPEG.'):
        images.decode(png, 'x', formats=('JPEG',))
    script = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n'
    with pytest.raises(images.PictureError, match='not a picture'):
        images.decode(script, 'x')
    with pytest.raises(ValueError):
        images.decode(png, 'x', formats=('EPS',))
