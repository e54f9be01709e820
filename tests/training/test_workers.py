"""Training on several devices and workers: real processes on loopback that see what one would see."""

import json
import os
import re
import signal

import pytest
import running
from teams import free_addresses

from resnet_in_tf.training import checkpoints, run_record
from resnet_in_tf.training.hooks import read_history

# Rounding, which differs from run to run, must not grow: hence the low rate.
TINY = {'width': 2, 'image_size': 16, 'style_size': 24, 'content_layers': 'relu1_1', 'save_steps': 5,
        'style_layers': 'input,relu1_1', 'learning_rate': 0.00004, 'train_steps': 10, 'eval_steps': 4}


def start(workers, flags, own=()):
    """Starts train.py as so many workers on this machine: list of processes, the chief first.

    `own` are further flags of the last one.
    """
    addresses, processes = free_addresses(workers), []
    for index in range(workers):
        config = {'cluster': {'worker': addresses}, 'task': {'type': 'worker', 'index': index}}
        more = list(own) if index == workers - 1 else []
        processes.append(running.start(running.argv('train.py', *(list(flags) + more)),
                                       env=dict(os.environ, TF_CONFIG=json.dumps(config))))
    return processes


def ends(processes):
    """Waits for processes: list of (exit status, stdout, stderr)."""
    found = []
    for process in processes:
        out, err = process.communicate(timeout=running.TIMEOUT)
        found.append((process.returncode, out, err))
    return found


def wait_for(process, words):
    """Reads what a process says up to a line that begins so."""
    for line in process.stdout:
        if line.startswith(words):
            return
    raise AssertionError(process.communicate())


def same_losses(one, other, steps):
    rows = [read_history(os.path.join(model_dir, 'history.csv')) for model_dir in (one, other)]
    assert [[row['step'] for row in each] for each in rows] == [list(range(1, steps + 1))] * 2
    for row, then in zip(*rows):
        assert row == pytest.approx(then, rel=1e-4, abs=1e-6)


@pytest.fixture(scope='module')
def flags(paintings, photo_folder):
    """Returns a function of a folder and settings: the flags of a tiny run."""
    return lambda model_dir, **changed: running.tiny_training(
        paintings, photo_folder, str(model_dir), **dict(TINY, **changed))


@pytest.fixture(scope='module')
def alone(tmp_path_factory, flags):
    """Returns the folder of a run of one device with a batch of 4."""
    model_dir = str(tmp_path_factory.mktemp('alone') / 'run')
    result = running.script('train.py', *flags(model_dir, batch_size=4))
    assert result.returncode == 0, result.stderr
    return model_dir


@pytest.fixture(scope='module')
def pair(tmp_path_factory, flags):
    """Returns a run of two workers with a batch of 2 each: (its flags, its folder, how they ended)."""
    model_dir = str(tmp_path_factory.mktemp('pair') / 'run')
    command = flags(model_dir, batch_size=2)
    return command, model_dir, ends(start(2, command))


@pytest.mark.slow
def test_two_workers_have_the_losses_of_one_with_twice_the_batch(alone, pair):
    _, model_dir, (chief, worker) = pair
    assert chief[::2] == worker[::2] == (0, ''), (chief, worker)
    same_losses(alone, model_dir, 10)
    assert [row['step'] for row in read_history(os.path.join(model_dir, 'history.csv'))
            if 'held_out_total' in row] == [4, 8, 10]
    assert chief[1].splitlines()[-1] == 'Finished: 10 steps in %s' % model_dir
    assert re.fullmatch(r'Worker 1 of 2; the chief is localhost:\d+\n', worker[1])


@pytest.mark.slow
def test_the_chief_alone_writes_and_a_checkpoint_holds_what_one_device_would_have_written(alone, pair):
    there, expected = [{re.sub(r'tfevents.*', 'tfevents', name) for name in os.listdir(folder)}
                       for folder in (pair[1], alone)]
    assert there == expected
    shapes = [{name: value.shape for name, value in checkpoints.read_newest(folder).items()}
              for folder in (pair[1], alone)]
    assert shapes[0] == shapes[1]
    records = [run_record.read(folder) for folder in (pair[1], alone)]
    assert [record['config']['replicas'] for record in records] == [2, 1]
    assert [(record['status'], record['step']) for record in records] == [('finished', 10)] * 2


@pytest.mark.slow
def test_two_devices_have_the_losses_of_one_with_twice_the_batch(tmp_path, flags, alone):
    result = running.script('train.py', *flags(tmp_path / 'run', batch_size=2, devices=2))
    assert (result.returncode, result.stderr) == (0, '')
    same_losses(alone, str(tmp_path / 'run'), 10)


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_others_and_the_same_command_goes_on(tmp_path, flags):
    whole, killed = [str(tmp_path / name) for name in ('whole', 'killed')]
    longer = {'train_steps': 30, 'save_steps': 10, 'eval_steps': 0}
    command = flags(killed, batch_size=1, **longer)
    processes = start(3, command)
    wait_for(processes[0], 'step 12 of 30')
    processes[2].kill()
    chief, worker, last = ends(processes)
    assert last[0] == -signal.SIGKILL and chief[0] == worker[0] == 2
    assert re.fullmatch(r'error: worker 2 \(localhost:\d+\) is gone; the same command on all goes on from '
                        r'the last checkpoint\n', chief[2])
    assert re.fullmatch(r'error: (the chief|worker 2) .*\n', worker[2])
    assert run_record.read(killed)['status'] == 'failed'
    saved = checkpoints.newest_step(killed)
    assert 10 <= saved < 30
    again = ends(start(3, command))
    assert [each[::2] for each in again] == [(0, '')] * 3
    assert 'steps %d to 30\n' % saved in again[0][1]
    result = running.script('train.py', *flags(whole, batch_size=3, **longer))
    assert result.returncode == 0, result.stderr
    same_losses(whole, killed, 30)


@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all_after_the_same_step(tmp_path, flags):
    processes = start(2, flags(tmp_path / 'run', batch_size=1, train_steps=100000, save_steps=50000,
                              eval_steps=0))
    wait_for(processes[0], 'step 3 of')
    processes[1].send_signal(signal.SIGTERM)
    assert [(status, err) for status, _, err in ends(processes)] == [(3, '')] * 2
    record = run_record.read(str(tmp_path / 'run'))
    assert record['status'] == 'stopped' and 3 <= record['step'] < 100000


@pytest.mark.slow
def test_a_loss_that_becomes_nan_ends_all_and_the_chief_keeps_the_last_good_checkpoint(tmp_path, flags):
    model_dir = str(tmp_path / 'run')
    chief, worker = ends(start(2, flags(model_dir, batch_size=1, learning_rate=1e20, save_steps=15,
                                        train_steps=20, eval_steps=0)))
    assert chief[0] == worker[0] == 2 and chief[2].count('\n') == worker[2].count('\n') == 1
    assert chief[2].startswith('error: the loss became NaN; the last good checkpoint, of step 0, is kept')
    assert worker[2].startswith('error: the loss became NaN; the chief (localhost:')
    assert checkpoints.newest_step(model_dir) == 0


@pytest.mark.slow
def test_other_flags_on_a_worker_are_one_line_that_names_them(tmp_path, flags):
    for chief in ends(start(2, flags(tmp_path / 'run', batch_size=1), ['--seed=7', '--batch_size=2'])):
        assert chief[0] == 2 and chief[2].count('\n') == 1
        assert 'have different flags: --batch_size (1 and 2), --seed (0 and 7); start the same' in chief[2]
    assert not os.path.exists(str(tmp_path / 'run' / 'run.json'))


@pytest.mark.slow
def test_another_number_of_workers_does_not_go_on_with_a_run(pair):
    result = running.script('train.py', *(pair[0] + ['--train_steps=12']))
    assert result.returncode == 2 and 'devices, times the workers, 2, and now it is 1' in result.stderr
