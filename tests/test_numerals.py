"""Numbers that people write, and what only looks like one."""

import pytest

from resnet_in_tf.numerals import whole
from resnet_in_tf.video.decoding import by_number


@pytest.mark.parametrize('text, number', [('0', 0), ('7', 7), ('007', 7), ('99', 99), ('\u0663', 3)])
def test_digits_of_any_script_are_a_number(text, number):
    assert whole(text, 99) == number


@pytest.mark.parametrize('text', ['', '100', '-1', '+1', '1.0', '1e1', ' 1', '1_0', '\u00b2', 'x', '\n',
                                  pytest.param('9' * 5000, id='5000 digits')])
def test_what_is_none_or_too_large_is_none(text):
    assert whole(text, 99) is None


def test_frames_are_sorted_by_their_numbers_whatever_else_their_names_have():
    names = ['a1\u00b22.png', 'a10.png', 'a2.png', 'a\u06632.png', '\u00b2.png']
    assert sorted(names[1:3], key=by_number) == ['a2.png', 'a10.png']
    in_order = sorted(names, key=by_number)
    assert in_order.index('a2.png') < in_order.index('a10.png') < in_order.index('a\u06632.png')
