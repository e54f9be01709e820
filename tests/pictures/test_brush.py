"""Brush sizes, pictures resized by rows, and detail that is given back."""

import numpy as np
import pytest
from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import brush, detail, finishing, images, resized
from resnet_in_tf.pictures.finishing import Finish, Match
from resnet_in_tf.pictures.resized import Pixels, Resized


@pytest.mark.parametrize('text, read', [
    ('1.5', (1.5, None)), (.5, (.5, None)), ('2', (2, None)), ('fixed:512', (None, 512)), (1, None),
    ('1.0', None), (None, None), (' fixed:64 ', (None, 64))])
def test_a_size_of_strokes_is_read(text, read):
    assert brush.parse(text) == (read and brush.Brush(*read))


@pytest.mark.parametrize('text', ['0.49', '2.1', 'nan', 'inf', '', 'large', 'fixed', 'fixed:', 'fixed:63',
                                  'fixed:8193', 'fixed:5e2', 'fixed:-512', 'fixed:' + '9' * 99, 'x' * 999])
def test_another_is_one_line(text):
    with pytest.raises(UserError) as caught:
        brush.parse(text)
    line = str(caught.value)
    assert line.startswith('--brush %s' % text[:40]) and '\n' not in line and len(line) < 300


@pytest.mark.parametrize('text, size, painted', [
    ('2', (800, 600), (400, 300)), ('0.5', (801, 3), (1602, 6)), ('1.5', (100, 1), (67, 1)),
    ('2', (1, 1), (1, 1)), ('fixed:512', (2048, 1024), (512, 256)), ('fixed:512', (100, 256), (200, 512)),
    ('fixed:64', (4000, 16), (64, 1)), (None, (5, 7), (5, 7))])
def test_a_photo_is_painted_at_another_size(text, size, painted):
    assert brush.working_size(brush.parse(text), *size) == painted


@pytest.mark.parametrize('size', [(100, 77), (301, 411), (64, 20), (530, 777), (7, 5), (310, 400)])
@pytest.mark.parametrize('filter', [Image.LANCZOS, Image.BICUBIC, Image.BILINEAR])
def test_rows_at_another_size_are_those_of_the_whole_picture(face, size, filter):
    photo = face[:400, :310]
    whole = np.asarray(resized.resize(Image.fromarray(photo), *size, filter=filter)).astype(int)
    small = Resized(Pixels(photo), *size, filter=filter)
    parts = [small.read(start, min(start + 13, size[1])) for start in range(0, size[1], 13)]
    assert np.abs(np.concatenate(parts) - whole).max() <= 1


def test_few_rows_are_asked_for_at_once(face):
    class Counting(Pixels):
        most = 0

        def read(self, start, stop):
            self.most = max(self.most, stop - start)
            return super().read(start, stop)
    source = Counting(face)
    assert Resized(source, 64, 48).read(0, 48).shape == (48, 64, 3) and source.most < 640


def enlarged(photo, painted):
    small = images.resize(photo, painted.shape[1], painted.shape[0])
    height = len(photo)
    return np.concatenate([detail.enlarged(photo[start:start + 50], Pixels(small), Pixels(painted), start,
                                           min(start + 50, height), height)
                           for start in range(0, height, 50)])


def test_what_is_painted_as_the_photo_is_gets_its_detail_back(face):
    photo = face[200:500, 300:700]
    painted = images.resize(photo, 133, 100)
    plain = np.asarray(Image.fromarray(painted).resize((400, 300), Image.BICUBIC), np.float32)
    errors = [np.abs(result - photo).mean() for result in (enlarged(photo, painted), plain)]
    assert errors[0] < .8 * errors[1]


def test_an_edge_becomes_as_sharp_as_the_photos_and_rings_nowhere():
    photo = np.zeros([120, 200, 3], np.uint8)
    photo[:, 103:] = 200  # off the grid of the small picture
    small = images.resize(photo, 50, 30)
    painted = np.dstack([255 - small[..., 0] // 2, small[..., 1] // 2 + 20, np.full([30, 50], 77)])
    painted = painted.astype(np.uint8)
    result = enlarged(photo, painted)
    plain = np.asarray(Image.fromarray(painted).resize((200, 120), Image.BICUBIC), np.float32)

    def steepest(pixels):
        return np.abs(np.diff(pixels[60, :, 0])).max()
    assert steepest(result) > 2 * steepest(plain)
    assert result[..., 0].min() >= painted[..., 0].min() and result[..., 0].max() <= painted[..., 0].max()
    assert np.ptp(result[..., 2]) < 1


def test_where_the_painting_left_the_photo_nothing_comes_through(face):
    photo = face[200:400, 300:600]
    painted = np.full([50, 75, 3], (10, 200, 90), np.uint8)
    assert np.abs(enlarged(photo, painted) - painted[0, 0]).max() < .01


@pytest.mark.parametrize('height, width, text', [
    (301, 203, '2'), (130, 97, 'fixed:64'), (40, 33, '0.5'), (1, 1, '2'), (1, 90, '1.5'), (90, 1, '2'),
    (65, 64, 'fixed:512')])
def test_a_result_has_the_size_of_its_photo_and_bands_do_not_show(face, height, width, text, monkeypatch):
    photo, finish = face[:height, :width], Finish(brush=brush.parse(text))
    painted = 255 - finishing.before(photo, finish.brush).astype(np.float32)
    result = finishing.after(photo, painted, finish)
    assert result.shape == photo.shape and result.dtype == np.uint8
    monkeypatch.setattr(finishing, 'bands', lambda height: [slice(0, height)])
    whole = finishing.after(photo, painted, finish)
    assert np.abs(whole.astype(int) - result).max() <= 1


def test_nothing_asked_for_changes_nothing(face):
    painted = np.random.RandomState(0).rand(*face.shape).astype(np.float32)
    assert finishing.before(face, None) is face and finishing.after(face, painted, Finish()) is painted
    same = finishing.after(face[:64, :64], face[64:128, :64], Finish(brush=brush.Brush(None, 64)))
    assert np.array_equal(same, face[64:128, :64])


def test_colours_go_with_strokes(face):
    photo = face[200:400, 300:600]
    painted = 255 - finishing.before(photo, brush.Brush(2.0, None))
    kept = finishing.after(photo, painted, Finish(True, brush.Brush(2.0, None)))
    chroma = [pixels @ np.float32([.615, -.51499, -.10001]) for pixels in (kept, photo)]
    assert np.abs(chroma[0] - chroma[1]).mean() < 4
    matched = finishing.after(photo, painted, Finish(False, brush.Brush(2.0, None), Match(None, 1.0)))
    assert np.abs(matched.mean(axis=(0, 1)) - photo.mean(axis=(0, 1))).max() < 5


@pytest.mark.parametrize('text, read', [('photo', ('photo', 1)), ('painting:0.5', ('painting', .5)),
                                        ('photo:2', ('photo', 2)), ('photo:0', ('photo', 0))])
def test_a_match_is_read(text, read):
    assert finishing.parse_match(text) == read


@pytest.mark.parametrize('text', ['', 'photos', 'photo:', 'photo:-1', 'photo:2.1', 'photo:nan', '0.5',
                                  'painting:x'])
def test_another_match_is_one_line(text):
    with pytest.raises(UserError, match='^--match_color .*photo:0.5$'):
        finishing.parse_match(text)


def test_rows_seen_are_within_the_picture():
    target = detail.Size(10, 100)
    for start in range(0, 100, 7):
        first, last = resized.rows_seen(target, 33, start, min(start + 7, 100))
        assert 0 <= first < last <= 33
