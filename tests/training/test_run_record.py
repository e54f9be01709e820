"""The record of a run: written whole, and a command that does not fit it is refused."""

import hashlib
import json
import os

import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import checkpoints, run_record

CONFIG = {'styles': ['a.jpg'], 'batch_size': 4, 'train_steps': 20, 'save_steps': 5, 'model_dir': 'x'}
FREE = ('train_steps', 'save_steps')


@pytest.fixture
def run(tmp_path):
    """The folder of a run that was written and read back once."""
    run_record.make_folder(str(tmp_path / 'run'))
    record = run_record.open_record(str(tmp_path / 'run'), dict(CONFIG, layers=('relu1_1',)), FREE)
    record.update(split={'train': ['1.jpg'], 'test': []}, style_names=['a', 'identity'],
                  styles=[{'file': 'a.jpg', 'sha256': 'f00'}], loss_network={'name': 'random:0'})
    run_record.write(str(tmp_path / 'run'), record)
    return str(tmp_path / 'run')


def test_the_same_command_opens_the_same_record(run):
    record = run_record.open_record(run, dict(CONFIG, layers=('relu1_1',)), FREE)
    assert record == run_record.read(run)
    assert {'resnet_in_tf', 'tensorflow', 'numpy', 'python'} == set(record['versions'])


def test_what_is_free_may_change_and_what_is_not_is_named(run):
    changed = dict(CONFIG, layers=('relu1_1',), train_steps=40, save_steps=1, model_dir='y')
    assert run_record.open_record(run, changed, FREE)['config']['train_steps'] == 40
    with pytest.raises(UserError, match='--model_dir .* holds a run with --batch_size 4, and now it is 8: '
                                        'repeat the first command, or give another folder'):
        run_record.open_record(run, dict(changed, batch_size=8), FREE)


def test_a_network_to_begin_with_is_compared_by_its_bytes_and_named_by_its_file(run):
    config = dict(CONFIG, layers=('relu1_1',), start={'file': 'base.pb', 'sha256': 'a'})
    run_record.write(run, dict(run_record.read(run), config=config))
    moved = dict(config, start={'file': 'moved.pb', 'sha256': 'a'})
    assert run_record.open_record(run, moved, FREE)['config']['start']['file'] == 'moved.pb'
    for start, words in (({'file': 'base.pb', 'sha256': 'b'}, 'base.pb'), (None, 'None')):
        with pytest.raises(UserError, match='holds a run with --from base.pb, and now it is %s' % words):
            run_record.open_record(run, dict(config, start=start), FREE)


@pytest.mark.parametrize('text', ['', '{', '[]', '5', 'null', '{}', '{"config": {}}', b'\xff\xfe',
                                  pytest.param('[' * 10 ** 5, id='deep')])
def test_a_damaged_record_is_one_line_that_names_the_file(run, text):
    with open(os.path.join(run, 'run.json'), 'wb') as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    for action in (run_record.read, lambda folder: run_record.open_record(folder, CONFIG, FREE)):
        with pytest.raises(UserError, match='/run.json: the run record is damaged .*; restore it, or '
                                            'train into another --model_dir'):
            action(run)


def test_a_folder_without_a_run_says_what_makes_one(tmp_path):
    for folder in (str(tmp_path), str(tmp_path / 'none')):
        with pytest.raises(UserError, match='no run is there .run.json is missing.; train.py makes one'):
            run_record.read(folder)


def test_a_model_dir_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    for path in ('file', os.path.join('file', 'run')):
        with pytest.raises(UserError, match='^--model_dir .*: cannot make the folder .*; give another$'):
            run_record.make_folder(str(tmp_path / path))


def test_names_that_are_no_utf8_survive(run):
    record = run_record.read(run)
    record['split']['train'] = [os.fsdecode(b'caf\xe9.jpg'), 'caf\u00e9.jpg']
    run_record.write(run, record)
    assert run_record.read(run)['split']['train'] == record['split']['train']
    with open(os.path.join(run, 'run.json'), 'rb') as file:
        json.loads(file.read().decode('ascii'))


def test_paintings_are_described_by_checksum_and_must_stay_what_they_were(tmp_path):
    path = tmp_path / 'a.jpg'
    path.write_bytes(b'painting')
    described = run_record.describe_styles([str(path)], {})
    assert described == [{'file': 'a.jpg', 'sha256': hashlib.sha256(b'painting').hexdigest()}]
    assert run_record.describe_styles([str(path)], {'styles': described}) == described
    path.write_bytes(b'another')
    with pytest.raises(UserError, match='^--style .*a.jpg: another file than the run began with'):
        run_record.describe_styles([str(path)], {'styles': described})


@pytest.mark.parametrize('signal, step, status', [(None, 20, 'finished'), (15, 12, 'stopped'),
                                                  (15, 20, 'finished')])
def test_a_run_ends_as_stopped_only_where_steps_are_left(run, monkeypatch, signal, step, status):
    monkeypatch.setattr(checkpoints, 'newest_step', lambda folder: step)
    record = run_record.finish(run, run_record.read(run), signal, {'total': 1.5}, {'b.jpg', 'a.jpg'})
    assert record == run_record.read(run) and record['status'] == status and record['step'] == step
    assert record['losses'] == {'total': 1.5} and record['broken_photos'] == ['a.jpg', 'b.jpg']


def test_checkpoints_of_an_unknown_run_are_refused(tmp_path, tiny_run):
    for name in os.listdir(tiny_run.model_dir):
        if name.startswith(('checkpoint', 'model.ckpt')):
            os.link(os.path.join(tiny_run.model_dir, name), str(tmp_path / name))
    assert checkpoints.newest_step(str(tmp_path)) == 24
    with pytest.raises(UserError, match='holds checkpoints but no run.json'):
        run_record.open_record(str(tmp_path), CONFIG, FREE)


def test_a_damaged_checkpoint_is_one_line(tmp_path):
    (tmp_path / 'checkpoint').write_text('model_checkpoint_path: "model.ckpt-5"\n')
    for ending in ('index', 'data-00000-of-00001', 'meta'):
        (tmp_path / ('model.ckpt-5.' + ending)).write_bytes(b'not a checkpoint')
    with pytest.raises(UserError, match='model.ckpt-5: the checkpoint cannot be read'):
        checkpoints.newest_step(str(tmp_path))
