"""PIL images and arrays become what the files of the same pictures become."""

import numpy as np
import pytest
from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import held, images


def rgba(photo):
    return held.rgba(held.as_image(photo))


@pytest.fixture(scope='module')
def small(face):
    return face[300:330, 400:441]


@pytest.mark.parametrize('turn', range(0, 10))
@pytest.mark.parametrize('extension', ['.jpg', '.png', '.tif'])
def test_an_image_is_turned_as_its_file_is(tmp_path, small, turn, extension):
    path, exif = str(tmp_path / ('a' + extension)), Image.Exif()
    exif[0x112] = turn
    Image.fromarray(small).save(path, exif=exif.tobytes())
    expected, _ = images.read_rgba(path)
    with Image.open(path) as image:
        pixels, alpha = rgba(image)
    assert np.array_equal(pixels, expected) and alpha is None
    assert expected.shape == ((41, 30, 3) if turn in (5, 6, 7, 8) else (30, 41, 3))


def test_an_image_that_was_worked_on_is_turned_as_its_exif_says(tmp_path, small):
    path, exif = str(tmp_path / 'a.jpg'), Image.Exif()
    exif[0x112] = 6
    Image.fromarray(small).save(path, exif=exif.tobytes())
    with Image.open(path) as image:
        assert rgba(image.resize((20, 10)))[0].shape == (20, 10, 3)


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'CMYK', 'I;16'])
def test_every_mode_becomes_what_its_file_becomes(tmp_path, small, mode):
    image = Image.fromarray(small)
    if mode == 'I;16':
        image = Image.fromarray(np.arange(30 * 41, dtype=np.uint16).reshape(30, 41) * 50)
    else:
        if 'A' in mode:
            image.putalpha(Image.fromarray(small[..., 0] // 60 * 60))
        image = image.convert(mode)
    path = str(tmp_path / ('a.tif' if mode == 'CMYK' else 'a.png'))
    image.save(path)
    expected, alpha = images.read_rgba(path)
    with Image.open(path) as opened:
        for each in (opened, opened.copy()) if mode != 'I;16' else (opened,):
            pixels, opacity = rgba(each)
            assert np.array_equal(pixels, expected)
            assert np.array_equal(opacity, alpha) if alpha is not None else opacity is None


@pytest.mark.parametrize('bits', [1, 2])
def test_a_transparent_grey_of_few_bits_is_found_and_the_image_stays_as_it_was(tmp_path, bits):
    path = str(tmp_path / 'a.png')
    grey = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) % 2 * 255)
    (grey.convert('1') if bits == 1 else grey).save(path, transparency=1 if bits == 1 else 255)
    expected = images.read_rgba(path)
    with Image.open(path) as image:
        before = dict(image.info)
        found = rgba(image)
        assert image.info == before
    assert all(np.array_equal(*pair) for pair in zip(found, expected)) and expected[1].min() == 0


def test_a_colour_profile_is_applied(tmp_path, small):
    from PIL import ImageCms
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('LAB')).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    for each in (profile, srgb, b'none'):
        path = str(tmp_path / 'a.png')
        Image.fromarray(small).save(path, icc_profile=each)
        with Image.open(path) as image:
            assert np.array_equal(rgba(image)[0], images.read(path))


def test_arrays_are_taken_as_they_are(small):
    assert np.array_equal(rgba(small)[0], small) and rgba(small)[1] is None
    assert np.array_equal(rgba(small[::2, ::-1])[0], small[::2, ::-1])
    grey = rgba(small[..., 1])[0]
    assert np.array_equal(grey, np.dstack([small[..., 1]] * 3))
    pixels, alpha = rgba(np.dstack([small, small[..., :1] // 128 * 9]))
    assert np.array_equal(alpha, small[..., 0] // 128 * 9) and {0, 9} == set(alpha.ravel())
    assert (pixels[alpha == 0] == 255).all() and np.array_equal(pixels[alpha > 0], small[alpha > 0])


@pytest.mark.parametrize('photo, words', [
    (3, 'photo: int is not taken; give a path, a PIL image'), (b'abc', 'photo: bytes is not taken'),
    (None, 'photo: NoneType is not taken'), ([[1, 2]], 'photo: list is not taken'),
    (np.zeros([4, 4, 3]), r'photo: float64 \[4, 4, 3\] is not taken'),
    (np.zeros([4, 4, 2], np.uint8), r'photo: uint8 \[4, 4, 2\] is not taken'),
    (np.zeros([2, 4, 4, 3], np.uint8), 'is not taken'), (np.zeros([4], np.uint8), 'is not taken'),
    (np.zeros([0, 4, 3], np.uint8), r'photo: the picture has no pixels \(4x0\)'),
    (Image.new('F', (3, 3)), 'photo: 32-bit pixels have no known range')])
def test_what_is_no_picture_is_one_line(photo, words):
    with pytest.raises(UserError, match=words) as caught:
        rgba(photo)
    assert '\n' not in str(caught.value)


def test_an_image_that_is_too_large_or_damaged_is_one_line(tmp_path, small, monkeypatch):
    path = str(tmp_path / 'a.jpg')
    images.write(path, small)
    with open(path, 'rb') as file:
        data = file.read()
    with open(path, 'wb') as file:
        file.write(data[:-100])
    with Image.open(path) as image, pytest.raises(images.PictureError, match='^photo: the file is cut short'):
        rgba(image)
    monkeypatch.setattr(held, 'MAX_PIXELS', 1000)
    with pytest.raises(images.PictureError, match='^photo: 41x30 pixels are more than the limit'):
        rgba(small)
