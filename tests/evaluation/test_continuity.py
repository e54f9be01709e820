"""Steps along strengths and between styles, with networks whose answer is known."""

import networks
import numpy as np
import pytest

from resnet_in_tf.evaluation import continuity
from resnet_in_tf.restyling.stylizer import Stylizer


class Fade:
    """A network without filters: style k paints the grey level k * 100, mixes are linear."""

    style_names = ['a', 'b', 'identity']
    styles = style_names[:-1]

    def __init__(self, bend=1.0):
        self.bend = bend

    def style_weights(self, name):
        return np.eye(3)[self.style_names.index(name)]

    def stylize(self, photo, weights):
        return np.full(photo.shape, 200 * (weights @ [0.25, 1.0, 0.0]) ** self.bend)


def test_a_straight_fade_has_equal_steps():
    steps = continuity.path(Fade(), np.zeros([2, 3, 3]), np.eye(3)[2], np.eye(3)[1], 20)
    assert steps == pytest.approx([10.0] * 20)


def test_a_bent_fade_is_told_by_its_largest_step():
    rows = continuity.continuity(Fade(bend=2.0), np.zeros([2, 3, 3]), steps=20)
    strength = {row['to']: row for row in rows if row['kind'] == 'strength'}
    assert strength['b']['mean_step'] == pytest.approx(10.0)
    assert strength['b']['largest_step'] == pytest.approx(200 * (1 - 0.95 ** 2))
    assert strength['b']['ratio'] == pytest.approx(1.95)
    assert [(row['from'], row['to']) for row in rows if row['kind'] == 'pair'] == [('a', 'b')]


def test_psnr_has_its_closed_form():
    black = np.zeros([4, 4, 3])
    assert continuity.psnr(black + 255, black) == pytest.approx(0.0)
    assert continuity.psnr(black + 25.5, black) == pytest.approx(20.0)
    assert continuity.psnr(black, black) == float('inf')


def test_strength_zero_is_the_photo(tmp_path, face):
    stylizer = Stylizer(networks.write_random(tmp_path / 'network.pb'))
    assert min(continuity.strength_zero(stylizer, [face[:33, :50], face[50:90, :41]])) > 60
