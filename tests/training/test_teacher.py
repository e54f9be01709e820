"""A network that learns from a larger one: whose pictures it is shown, and what a run says of its teacher."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from networks import write_random
from short_runs import history, short

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import teacher


def test_a_teacher_is_asked_for_the_run_s_styles_by_their_names(face, tmp_path):
    model = write_random(tmp_path / 'large.pb')
    photo = face[:16, 300:316][None].astype(np.float32)
    shown = {}
    for names in (['wave', 'udnie'], ['udnie', 'wave']):
        known = teacher.open_teacher(model, names)
        assert known.columns[-1] == 2
        with tf.Graph().as_default(), tf.Session() as session:
            mixes = [[1.0, 0, 0], [0, 1, 0]]
            shown.update({(names[place], tuple(names)): session.run(
                teacher.restyled(tf.constant(photo), tf.constant([mix], tf.float32), known))
                for place, mix in enumerate(mixes)})
    for style in ('wave', 'udnie'):
        first, second = [picture for (name, _), picture in shown.items() if name == style]
        assert np.array_equal(first, second)
    assert abs(shown['wave', ('wave', 'udnie')] - shown['udnie', ('wave', 'udnie')]).max() > 1


def test_a_teacher_without_one_of_the_styles_is_named(tmp_path):
    with pytest.raises(UserError, match="large.pb: has no style 'kiss'; it has wave, udnie"):
        teacher.open_teacher(write_random(tmp_path / 'large.pb'), ['wave', 'kiss'])


def test_a_run_has_its_teacher_in_its_record_and_goes_on_with_no_other(tmp_path, tiny_model, paintings,
                                                                       photo_folder):
    record, _ = short(paintings, photo_folder, tmp_path / 'run', teacher=tiny_model)
    assert record['config']['teacher']['file'] == 'tiny.pb'
    rows = history(str(tmp_path / 'run'))
    assert all(row['teacher'] > 0 for row in rows) and rows[-1]['held_out_teacher'] > 0
    for other in (None, write_random(tmp_path / 'other.pb', names=('waves', 'tiles', 'identity'))):
        with pytest.raises(UserError, match='holds a run with --teacher tiny.pb, and now it is'):
            short(paintings, photo_folder, tmp_path / 'run', teacher=other, train_steps=4)
    record, _ = short(paintings, photo_folder, tmp_path / 'run', teacher=tiny_model, train_steps=3)
    assert record['step'] == 3


def test_a_teacher_shows_named_styles_alone(tmp_path, tiny_model, paintings, photo_folder):
    with pytest.raises(UserError, match='^--teacher .*tiny.pb: shows its named styles alone'):
        short(paintings, photo_folder, tmp_path / 'run', teacher=tiny_model, system='resnet_any',
              styles_dir=photo_folder)
    assert not (tmp_path / 'run').exists()
