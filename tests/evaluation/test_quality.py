"""The card's measures of one style, on pictures whose measure is known."""

import numpy as np
import pytest

from resnet_in_tf.evaluation import quality
from resnet_in_tf.evaluation.recognition import Judge

ROWS, COLUMNS = np.mgrid[:64, :64]


class Meter:
    """A meter whose losses are the place of the painting."""

    def look_at(self, photo):
        return photo.mean()

    def measure(self, wanted, picture, index):
        losses = {'content': index, 'style': 10 * index, 'total': 0, 'unevenness': float('nan')}
        return losses, np.array([wanted, picture.mean()])


def measured(index, photo, picture, painting):
    row, _ = quality.measure_picture(Meter(), index, quality.look_at(Meter(), photo, picture.shape), picture)
    return quality.means_of([row], painting)


def grey(values):
    return np.repeat(np.asarray(values, np.float64)[:, :, None], 3, 2)


def test_patterns_are_looked_for_where_the_photo_is_flat():
    rough = 40 * np.random.RandomState(0).randn(64, 64)
    photo = grey(120 + np.where(ROWS < 32, 0, rough))
    board = np.where(ROWS < 32, 6.0, 0) * (-1) ** (ROWS + COLUMNS)
    painting = grey(100 + 2 * (-1) ** COLUMNS)
    found = measured(3, photo, photo + grey(board), painting)
    assert found['losses'] == {'content': 3, 'style': 30}
    assert found['pixel_patterns'] == {'pictures': pytest.approx(6, rel=1e-3), 'photos': 0,
                                       'painting': pytest.approx(2, rel=1e-3)}
    assert found['textureless'] == {'pictures': 0, 'painting': 0} and 0.3 < found['ssim'] < 1


def test_without_flat_places_there_is_nothing_to_measure():
    photo = grey(120 + 40 * np.random.RandomState(0).randn(64, 64))
    found = measured(0, photo, grey(np.full((64, 64), 9.0)), photo)
    assert found['pixel_patterns']['pictures'] is None and found['pixel_patterns']['photos'] is None
    assert found['unevenness'] is None
    assert found['textureless'] == {'pictures': 1, 'painting': 0}


class Nearest:
    """A classifier that sees the first class in a picture as light as its photo, else the second."""

    def predict_proba(self, seen):
        return np.array([[float(abs(wanted - light) < 1), float(abs(wanted - light) >= 1)]
                         for wanted, light in seen])


def test_each_picture_is_compared_with_its_own_photo_at_its_own_size():
    light, dark = grey(np.full((64, 64), 200)).astype(np.uint8), grey(np.full((64, 64), 40)).astype(np.uint8)
    small = grey(np.full((32, 48), 200)).astype(np.uint8)
    instruments = quality.Instruments({'wave': light, 'udnie': dark}, Meter(),
                                      Judge(None, Nearest(), ['wave', 'udnie']), True)
    found, chances = quality.measure_styles(instruments, [
        (light, iter([('udnie', small), ('wave', light)])), (dark, iter([('udnie', light), ('wave', dark)]))])
    assert list(found) == ['wave', 'udnie'] and found['udnie']['losses'] == {'content': 1, 'style': 10}
    assert found['wave']['ssim'] == 1 and found['udnie']['ssim'] < 0.9
    assert chances['wave'].tolist() == [[1, 0], [1, 0]] and chances['udnie'].tolist() == [[1, 0], [0, 1]]


def test_scores_and_each_style_s_share():
    judge = Judge(None, None, ['wave', 'udnie', 'photo'])
    scores, shares = quality.recognised(judge, {
        'wave': np.array([[0.8, 0.1, 0.1], [0.2, 0.1, 0.7]]),
        'udnie': np.array([[0.1, 0.8, 0.1], [0.3, 0.6, 0.1]])})
    assert shares == {'wave': 0.5, 'udnie': 1} and scores['accuracy'] == 0.75 and scores['recall'] == 0.75
    assert scores['f1'] == pytest.approx((2 / 3 + 1) / 2, abs=1e-4)
    assert scores['auc'] == pytest.approx((3 / 4 + 1) / 2)


def test_one_style_has_no_auc():
    judge = Judge(None, None, ['wave', 'photo'])
    scores, shares = quality.recognised(judge, {'wave': np.array([[0.9, 0.1]])})
    assert scores['auc'] is None and scores['accuracy'] == 1 and shares == {'wave': 1}
