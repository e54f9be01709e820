"""Names that paintings give to styles, and the size that they are looked at in."""

import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.training import paintings


@pytest.mark.parametrize('path, name', [
    ('a/b/wave.jpg', 'wave'), ('starry.night.png', 'starry.night'), ('a,b:c.jpg', 'a_b_c'),
    (' wave .jpg', 'wave'), ('cafe\u0301.jpg', 'caf\u00e9')])
def test_a_style_is_called_as_its_file(path, name):
    assert paintings.style_name(path) == name


@pytest.mark.parametrize('paths, wrong', [
    (['a/wave.jpg', 'b/wave.png'], "two paintings are called 'wave'"),
    (['a:b.jpg', 'a,b.jpg'], "two paintings are called 'a_b'"),
    (['identity.jpg'], "'identity' cannot name a style"), (['2.jpg'], "'2' cannot name a style"),
    (['\u0662.jpg'], 'cannot name a style, as numbers'), (['two\nlines.jpg'], "'two.nlines' cannot name"),
    ([' .jpg'], "'' cannot name a style"), ([], '--style is missing')])
def test_names_that_cannot_be_told_apart_in_a_mix_are_refused(paths, wrong):
    with pytest.raises(UserError, match=wrong):
        paintings.check_styles(paths)
    assert paintings.check_styles(['1888.a.jpg', 'b2.jpg']) == ['1888.a', 'b2']


@pytest.mark.parametrize('size, shape', [
    (20, (10, 20)), (40, (20, 40)), (400, (20, 40)), (1, (1, 1))])
def test_a_painting_is_made_smaller_to_the_style_size_and_never_larger(tmp_path, size, shape):
    path = str(tmp_path / 'a.png')
    images.write(path, np.full([20, 40, 3], (10, 200, 90), np.uint8))
    found = paintings.read_painting(path, size)
    assert found.shape == shape + (3,) and (found == (10, 200, 90)).all()
