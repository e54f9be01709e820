"""Around a training step: history that survives a crash, signals, and clearing up after NaN."""

import os
import re
import signal

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import hooks
from resnet_in_tf.training.hooks import COLUMNS, PARTS, ProgressHook, StopOnSignal

OLD_HEADER = 'step,total,content,style,total_variation,identity_pixel\n'


def run_steps(folder, start, stop, every=1, last=None, signals=None):
    """Runs a graph that reports step + 0.1, 0.2 ... as its losses; gives the lines it printed."""
    lines = []
    hook = ProgressHook(str(folder), start, stop, 4, every, lines.append)
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        advance = tf.assign_add(step, 1)
        for number, part in enumerate(PARTS):
            tf.add(tf.cast(step, tf.float32) + 1.0, number / 10.0, name='report/' + part)
        hooks = [hook] + ([signals] if signals else [])
        with tf.train.SingularMonitoredSession(hooks) as session:
            step.load(start, session.raw_session())
            for _ in range(start, last or stop):
                if session.should_stop():
                    break
                session.run(advance)
                if signals and len(lines) == 2:
                    os.kill(os.getpid(), signal.SIGTERM)
    return lines


def test_each_report_is_a_row_of_history_and_a_line(tmp_path):
    lines = run_steps(tmp_path, 0, 7, every=3)
    rows = hooks.read_history(str(tmp_path / 'history.csv'))
    assert [row['step'] for row in rows] == [1, 3, 6, 7] and len(lines) == 4
    assert set(rows[0]) == set(PARTS) | {'step'}
    assert lines[1].startswith('step 3 of 7  total ') and re.search(r' images/s  00:0\d left$', lines[1])
    assert all(part + ' ' in lines[1] for part in PARTS)


def test_history_goes_on_where_the_checkpoint_is(tmp_path):
    run_steps(tmp_path, 0, 20, last=12)
    run_steps(tmp_path, 10, 20)  # killed at 12, its last checkpoint was of step 10
    rows = hooks.read_history(str(tmp_path / 'history.csv'))
    assert [row['step'] for row in rows] == list(range(1, 21))


@pytest.mark.parametrize('torn', ['3,1.5,2', '3,1.5,2,3,4,', '3,1.5,2,3,4,1e-', '3', '\0\0\0',
                                  'x,1,1,1,1,1'])
def test_a_row_that_a_crash_cut_short_is_dropped(tmp_path, torn):
    path = tmp_path / 'history.csv'
    path.write_text(OLD_HEADER + '1,1,2,3,4,5\n2,1,2,3,4,nan\n' + torn)
    rows = hooks.read_history(str(path))
    assert [row['step'] for row in rows] == [1, 2] and rows[0]['identity_pixel'] == 5


def test_no_history_is_no_rows(tmp_path):
    assert hooks.read_history(str(tmp_path / 'history.csv')) == []


@pytest.mark.parametrize('text, wrong', [
    ('a,b\n1,2\n', 'is not the history of a run, it has no column step; move it away'),
    (OLD_HEADER.replace('total,', 'sum,') + '1,1,2,3,4,5\n', 'it has no column total; move it away'),
    ('[1, 2]\n', 'is not the history of a run'), (None, 'cannot be read .Is a dir'),
    ('"' + 200000 * 'x' + '\n' + OLD_HEADER, 'cannot be read .field larger than')])
def test_what_is_no_history_is_one_line_and_stays(tmp_path, text, wrong):
    path = tmp_path / 'history.csv'
    path.mkdir() if text is None else path.write_text(text)
    with pytest.raises(UserError, match='history.csv: .*' + wrong):
        run_steps(tmp_path, 0, 2)
    assert path.is_dir() if text is None else path.read_text() == text


@pytest.mark.parametrize('text', ['', '\n', OLD_HEADER, 'step'])
def test_an_empty_history_has_no_rows(tmp_path, text):
    (tmp_path / 'history.csv').write_text(text)
    assert hooks.read_history(str(tmp_path / 'history.csv')) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_remembered_and_former_handlers_come_back(number):
    def former(number, frame):
        raise AssertionError('the former handler')
    before = signal.signal(number, former)  # however this process was started
    try:
        with StopOnSignal() as stop:
            assert stop.signal is None
            os.kill(os.getpid(), number)
            assert stop.signal == number
        assert signal.getsignal(number) is former
    finally:
        signal.signal(number, before)


def test_a_run_under_nohup_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopOnSignal() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_ends_the_run_after_the_step_in_hand(tmp_path):
    with StopOnSignal() as stop:
        run_steps(tmp_path, 0, 20, signals=stop)
    rows = hooks.read_history(str(tmp_path / 'history.csv'))
    assert stop.signal == signal.SIGTERM and [row['step'] for row in rows] == [1, 2, 3]


def save(folder, steps):
    """Checkpoints with a value of each step: {step: value}."""
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.get_variable('value', [], tf.float32)
        step = tf.train.get_or_create_global_step()
        saver = tf.train.Saver(max_to_keep=5)
        for number, content in steps.items():
            value.load(content, session)
            step.load(number, session)
            saver.save(session, str(folder / 'model.ckpt'), number)


def test_checkpoints_that_lead_to_nan_are_dropped_newest_first(tmp_path):
    save(tmp_path, {5: 1.0, 10: 2.0, 15: np.inf, 20: np.nan})
    assert hooks.drop_bad_checkpoints(str(tmp_path), 23) == 10
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('model.ckpt-10')
    assert not [name for name in os.listdir(str(tmp_path)) if '-15' in name or '-20' in name]


def test_the_checkpoint_that_the_bad_step_started_from_is_bad_if_finite(tmp_path):
    save(tmp_path, {21: 1.0, 22: 2.0})
    assert hooks.drop_bad_checkpoints(str(tmp_path), 23) == 21


def test_with_no_sound_checkpoint_the_next_run_starts_afresh(tmp_path):
    assert hooks.drop_bad_checkpoints(str(tmp_path), 3) is None
    save(tmp_path, {1: np.nan, 2: np.nan})
    assert hooks.drop_bad_checkpoints(str(tmp_path), 3) is None
    assert tf.train.latest_checkpoint(str(tmp_path)) is None


def test_a_new_history_names_every_loss_and_holds_those_of_held_out_photos_where_measured(tmp_path):
    path = tmp_path / 'history.csv'
    row = ['2'] + ['%d' % n for n in range(len(PARTS))]
    path.write_text(','.join(COLUMNS) + '\n' + ','.join(row + [''] * len(PARTS)) + '\n'
                    + ','.join(row + ['9'] * len(PARTS)) + '\n' + ','.join(row))
    rows = hooks.read_history(str(path))
    assert [set(row) for row in rows] == [{'step'} | set(PARTS), set(COLUMNS)]
    assert rows[1]['held_out_silence'] == 9


def test_a_full_disk_at_history_is_one_line(tmp_path):
    hook = ProgressHook(str(tmp_path), 0, 5, 4, 1, print)
    hook.path = '/dev/full'
    with pytest.raises(UserError, match='^/dev/full: cannot be written .No space left on device'):
        hook.append({'step': 1})
