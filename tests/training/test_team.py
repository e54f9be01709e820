"""The processes of TF_CONFIG: who they are, that they agree, and that each hears of another's end."""

import json
import subprocess
import sys
import threading

import pytest
from teams import free_addresses, together

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import team


def config(type='worker', index=0, **cluster):
    return json.dumps({'cluster': cluster, 'task': {'type': type, 'index': index}})


def test_the_chief_comes_first_whatever_it_is_called():
    assert team.read_cluster('') is None and team.read_cluster(None) is None
    for text, index in ((config(index=1, worker=['a:1', 'b:2']), 1),
                        (config(index=0, worker=['b:2'], chief=['a:1']), 1),
                        (config('chief', worker=['b:2'], chief=['a:1']), 0)):
        assert team.read_cluster(text) == team.Cluster(['a:1', 'b:2'], index)


@pytest.mark.parametrize('text, words', [
    ('{', 'must be like'), ('[]', 'must be like'), (config(worker=['a:1', 'b']), 'must be like'),
    (config(index=2, worker=['a:1', 'b:2']), 'must be like'), (config(worker=['a:1']), 'leave it out'),
    (config(worker=['a:1', 'a:1']), 'one address'), (config(worker=['a:1', 'b:1'], ps=['c:1']), 'no ps'),
    (config('evaluator', worker=['a:1', 'b:1']), 'no evaluator')])
def test_a_config_that_cannot_work_is_one_line(text, words):
    with pytest.raises(UserError, match='^TF_CONFIG: .*' + words):
        team.read_cluster(text)


@pytest.fixture
def addresses():
    """Returns three addresses on loopback; the chief's port is free."""
    return free_addresses(3)


def test_all_agree_hear_the_chief_and_give_it_what_they_have(addresses):
    def act(crew):
        crew.agree({'--seed': 1, '--style': ('a', 'b')}, '{names}')
        told = crew.tell({'step': 3} if crew.is_chief else None)
        return told, crew.collect({'photo %d' % crew.index, 'both'})
    assert together(addresses, act) == [
        ({'step': 3}, ['both', 'photo 0', 'photo 1', 'photo 2'])] + [
        ({'step': 3}, ['both', 'photo %d' % index]) for index in (1, 2)]


def test_what_differs_is_named_to_all(addresses):
    found = together(addresses, lambda crew: crew.agree(
        {'--seed': 1, '--width': 2 + (crew.index == 2)}, '{chief}, {worker}: {names}'))
    text = 'the chief (%s), worker 2 (%s): --width (2 and 3)' % (addresses[0], addresses[2])
    assert [str(error) for error in found] == [text] + ['the chief (%s) ended: %s' % (addresses[0], text)] * 2


def test_the_error_of_one_is_told_to_all(addresses):
    def act(crew):
        if crew.index == 1:
            raise UserError('--coco_images x: no such folder')
        crew.agree({}, '{names}')
    found = [str(error) for error in together(addresses, act)]
    assert found[1] == '--coco_images x: no such folder'
    assert found[0] == 'worker 1 (%s) ended: --coco_images x: no such folder' % addresses[1]
    assert found[2] == 'the chief (%s) ended: %s' % (addresses[0], found[0])


def test_a_process_of_another_team_is_refused(addresses, monkeypatch):
    monkeypatch.setattr(team, 'WAIT', 3)
    found = {}

    def run(addresses, index):
        try:
            with team.Team(team.Cluster(addresses, index), lambda line: None) as crew:
                crew.agree({}, '')
        except UserError as error:
            found[index] = str(error)
    threads = [threading.Thread(target=run, args=arguments) for arguments in (
        (addresses[:2], 0), (addresses, 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found[2].endswith('ended: TF_CONFIG has other processes there, or this one twice')
    assert found[0] == (
        'worker 1 (%s) did not come in 3 seconds: start the same command there' % addresses[1])


def test_a_chief_that_does_not_come_is_one_line(addresses, monkeypatch):
    monkeypatch.setattr(team, 'WAIT', 0.5)
    with pytest.raises(UserError, match=r'^the chief \(%s\) cannot be reached' % addresses[0]):
        team.Team(team.Cluster(addresses, 1), lambda line: None).__enter__()


WAITING = """
import sys, threading
from resnet_in_tf.training import team
addresses = sys.argv[2:]
with team.Team(team.Cluster(addresses, int(sys.argv[1])), lambda line: None) as crew:
    with crew.watch(lambda: print('lost', flush=True)):
        print('in', flush=True)
        threading.Event().wait()
"""


def test_one_who_waits_inside_tensorflow_is_ended_when_another_is_killed(addresses):
    processes = [subprocess.Popen([sys.executable, '-c', WAITING, str(index)] + addresses[:2],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
                 for index in (0, 1)]
    assert [process.stdout.readline() for process in processes] == ['in\n'] * 2
    processes[1].kill()
    out, err = processes[0].communicate(timeout=60)
    processes[1].communicate()
    assert processes[0].returncode == 2 and out == 'lost\n'
    assert err == ('error: worker 1 (%s) is gone; the same command on all goes on from the last '
                   'checkpoint\n' % addresses[1])
