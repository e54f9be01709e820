"""A run's folder: whatever it is called, one training at a time, and the checkpoint that counts."""

import os

import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import checkpoints


def save(folder, *steps):
    """Real checkpoints, as training writes them."""
    os.makedirs(folder, exist_ok=True)
    with checkpoints.plain_path(folder) as path, tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        saver = tf.train.Saver(sharded=True, max_to_keep=9, save_relative_paths=True)
        for number in steps:
            step.load(number, session)
            saver.save(session, os.path.join(path, 'model.ckpt'), number)


@pytest.mark.parametrize('name', [b'wave [v2]', b'a*b', b'what?', b'{a,b}', b'run_\xe9', b'back\\slash',
                                  'caf\u00e9'.encode('utf-8'), b' '])
def test_a_folder_may_be_called_anything(tmp_path, name):
    folder = os.path.join(str(tmp_path), os.fsdecode(name))
    save(folder, 3, 7)
    assert checkpoints.complete(folder) == ['model.ckpt-3', 'model.ckpt-7']
    assert checkpoints.newest_step(folder) == 7
    assert set(checkpoints.read_newest(folder)) == {'global_step'}


def test_a_folder_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(str(tmp_path))
    save('run', 3)
    checkpoints.repair('run')
    assert checkpoints.newest_step('run') == 3
    os.rename('run', 'moved')
    assert checkpoints.newest_step('moved') == 3


@pytest.mark.parametrize('text', [b'', b'\0\0\0', b'model_checkpoint_path: "', b'\xff\xfe', b'no such',
                                  b'model_checkpoint_path: "model.ckpt-99"\n',
                                  b'model_checkpoint_path: "/elsewhere/run/model.ckpt-7"\n'])
def test_a_damaged_state_file_is_made_anew_from_what_is_there(tmp_path, text):
    save(str(tmp_path), 3, 7)
    (tmp_path / 'checkpoint').write_bytes(text)
    assert checkpoints.newest_step(str(tmp_path)) == 7
    checkpoints.repair(str(tmp_path))
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / 'model.ckpt-7')


def test_a_user_may_go_back_to_an_older_checkpoint(tmp_path):
    save(str(tmp_path), 3, 7)
    (tmp_path / 'checkpoint').write_text('model_checkpoint_path: "model.ckpt-3"\n')
    assert checkpoints.newest_step(str(tmp_path)) == 3


@pytest.mark.parametrize('ending', ['index', 'data-00000-of-00001'])
def test_lost_files_are_one_line_where_none_is_complete(tmp_path, ending):
    save(str(tmp_path), 3)
    os.remove(str(tmp_path / ('model.ckpt-3.' + ending)))
    with pytest.raises(UserError, match='^--model_dir .*: it held checkpoints, and the files of all'):
        checkpoints.newest_step(str(tmp_path))


def test_a_newest_that_is_incomplete_gives_way_to_the_one_before(tmp_path):
    save(str(tmp_path), 3, 7)
    os.remove(str(tmp_path / 'model.ckpt-7.index'))
    assert checkpoints.newest_step(str(tmp_path)) == 3


def test_a_checkpoint_that_rotates_away_while_it_is_read_gives_way_to_the_next(tmp_path, monkeypatch):
    save(str(tmp_path), 3)
    read = checkpoints.read

    def read_too_late(folder, name, variables=None):
        if name == 'model.ckpt-3':
            save(folder, 7)
            checkpoints.delete(folder, name)
        return read(folder, name, variables)
    monkeypatch.setattr(checkpoints, 'read', read_too_late)
    assert checkpoints.read_newest(str(tmp_path))['global_step'] == 7


def test_one_training_at_a_time_and_what_a_dead_one_left_is_removed(tmp_path):
    left = tmp_path / 'model.ckpt-7_temp_0123abcd'
    mine = tmp_path / 'model.ckpt-7_temp_notes'
    for folder in (left, mine):
        folder.mkdir()
        (folder / 'part').write_bytes(b'x')
    with checkpoints.plain_path(str(tmp_path), lock=True):
        assert not left.exists() and mine.exists()
        with pytest.raises(UserError, match='another training is at work in it'):
            with checkpoints.plain_path(str(tmp_path), lock=True):
                pass
        with checkpoints.plain_path(str(tmp_path)):  # to freeze it
            pass
    with checkpoints.plain_path(str(tmp_path), lock=True):
        pass
