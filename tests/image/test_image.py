"""The image in containers, as docs/docker.md uses it: by its own user and by one it does not know.

It is built from a clone made under umask 077, on a stand-in for the base image (tests/containers.py).
"""

import os
import re
import signal
import time
import urllib.request
import uuid

import numpy as np
import pytest
import running

from resnet_in_tf.pictures import images

TAG = 'localhost/resnet_in_tf'
PAINTINGS = '/checkpoints/paintings.pb'
SCRIPTS = ('train.py', 'freeze_graph.py', 'style_row.py', 'stylize.py', 'serve.py', 'evaluate.py')
pytestmark = pytest.mark.slow


def training(model_dir='runs/wave', train_steps=3, **changed):
    flags = dict({'content_layers': 'relu1_1', 'style_layers': 'relu1_1', 'image_size': 16}, **changed)
    return ['train.py'] + running.tiny_training(['wave.jpg'], 'photos', model_dir,
                                                train_steps=train_steps, **flags)


@pytest.fixture(scope='module')
def trained(home):
    return home.run(*training())


@pytest.fixture(scope='module')
def frozen(home, trained):
    return home.run('freeze_graph.py', '--model_dir', 'runs/wave', '--output', 'wave.pb')


@pytest.fixture
def detached(home):
    """Starts a container that goes on by itself: its id. It is gone after the test."""
    started = []

    def start(*command, flags=()):
        result = home.engine(*home.command(*command, flags=('--detach',) + tuple(flags)))
        assert result.returncode == 0, result.stderr
        started.append(result.stdout.strip())
        return started[-1]
    yield start
    for name in started:
        home.engine('rm', '--force', '--volumes', name)


def logs(engine, container):
    result = engine('logs', container)
    return result.stdout + result.stderr


def until(engine, container, found):
    """Waits until a container has said something that `found` finds."""
    deadline = time.monotonic() + running.TIMEOUT
    while not found(logs(engine, container)):
        running_still = engine('inspect', '--format', '{{.State.Running}}', container).stdout.strip()
        assert running_still == 'true' and time.monotonic() < deadline, logs(engine, container)
        time.sleep(0.1)


def stop(engine, container):
    """`docker stop`: the exit status, which is 137 where it had to kill."""
    result = engine('stop', '--time', '10', container)
    assert result.returncode == 0, result.stderr
    return int(engine('inspect', '--format', '{{.State.ExitCode}}', container).stdout)


# What it is made of.

def test_it_lists_its_commands_and_knows_each(engine):
    listed = engine('run', '--rm', TAG)
    assert listed.returncode == 0, listed.stderr
    for name in SCRIPTS:
        assert name in listed.stdout
        shown = engine('run', '--rm', TAG, name, '--help')
        assert shown.returncode == 0 and '--' in shown.stdout, shown.stderr


@pytest.mark.parametrize('word', ['-x', '--style', '--', 'trian.py', 'cd', '/data', 'docker run'])
def test_what_is_no_command_is_named(engine, word):
    result = engine('run', '--rm', TAG, word)
    assert result.returncode == 2
    assert result.stderr.startswith('error: there is no command %s in this image\n' % word)


def test_its_packages_agree_and_nothing_in_it_is_undeclared(engine):
    result = engine('run', '--rm', TAG, 'python3', '-m', 'pip', 'check')
    assert result.returncode == 0, result.stdout


def test_the_op_is_built_ahead_and_no_volume_hides_it(home):
    result = home.run('sh', '-c', 'ls "$RESNET_IN_TF_KERNELS"; python3 -m resnet_in_tf.instance_norm.build',
                      flags=('-v', home.folder + ':/cache', '-v', home.folder + ':/models'))
    assert result.returncode == 0, result.stderr
    listed, built = result.stdout.split('\n', 1)
    assert re.match(r'instance_norm-cpu-[\w-]+\.so$', listed) and built.strip().endswith(listed)


# Who may use it.

def test_every_user_may_write_wherever_something_is_kept(home):
    script = ('set -e; for folder in /data /models /cache "$HOME" "$KERAS_HOME" "$KERAS_HOME/models" '
              '"$MPLCONFIGDIR" "$XDG_CACHE_HOME/resnet_in_tf" "$RESNET_IN_TF_KERNELS"; '
              'do touch "$folder/mine"; mkdir "$folder/my_folder"; done; id -u; find /cache -uid 0 -type f')
    result = home.engine('run', '--rm', *(home.flags + (TAG, 'sh', '-c', script)))  # nothing is mounted
    assert (result.returncode, result.stderr) == (0, '')
    assert result.stdout.split() == [home.owner.split(':')[0]]


def test_every_user_may_read_all_of_what_ships(home):
    result = home.run('sh', '-c', 'find /checkpoints "$(python3 -c "import resnet_in_tf; '
                      'print(*resnet_in_tf.__path__)")" ! -readable')
    assert (result.returncode, result.stdout) == (0, ''), result.stderr


def test_the_vgg_file_lands_in_the_cache_of_any_user(home):
    """There is no network: what is refused is the download, not the folder."""
    command = training(vgg_weights='imagenet', model_dir='runs/download')
    result = home.run(*command, flags=('--network', 'none'))
    assert result.returncode == 2 and result.stderr.startswith('error: '), result.stderr
    assert result.stderr.count('\n') == 1 and 'download' in result.stderr
    assert 'ermission' not in result.stderr


def test_pictures_are_plotted_without_a_word(home):
    result = home.run('python3', '-c', 'import matplotlib; matplotlib.use("Agg"); import matplotlib.pyplot')
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '')


def test_a_network_is_trained_and_frozen(home, trained, frozen):
    assert trained.returncode == 0, trained.stderr
    assert 'step 3 of 3' in trained.stdout and trained.stderr == ''
    assert frozen.returncode == 0 and os.path.getsize(home.path('wave.pb')) > 10000, frozen.stderr
    assert home.owners() == {home.owner}


@pytest.mark.parametrize('engine_name', ['tensorflow', 'onnxruntime'])
def test_photos_are_restyled(home, frozen, engine_name):
    flags = ['--model', 'wave.pb', '--input', 'photos', '--output', engine_name, '--engine', engine_name]
    result = home.run('stylize.py', *flags)
    log = [line for line in result.stderr.splitlines() if 'converting the network' not in line]
    assert (result.returncode, log) == (0, [])
    assert result.stdout == '4 done, 0 skipped, 0 failed\n'
    photo, painted = [images.read(home.path(name, '0.jpg')) for name in ('photos', engine_name)]
    assert painted.shape == photo.shape and np.abs(painted - photo).mean() > 5
    assert home.owners() == {home.owner}


def test_what_onnx_needs_once_is_kept_in_the_cache_for_the_next_user(home, frozen):
    volume = 'cache-' + uuid.uuid4().hex
    mounts = ['-v', volume + ':/cache', '-v', home.path('wave.pb') + ':/wave.pb:ro',
              '-v', home.path('photos') + ':/photos:ro']
    script = ('stylize.py --engine onnxruntime --model /wave.pb --input /photos/0.jpg --output /tmp/0.jpg && '
              'stat -c "%n %y" /cache/resnet_in_tf/*')
    try:
        results = [home.engine('run', '--rm', '--user', user, *(mounts + [TAG, 'sh', '-c', script]))
                   for user in ('7:7', home.owner)]
        assert [result.returncode for result in results] == [0, 0], results[-1].stderr
        first, second = [result.stdout.splitlines()[-1] for result in results]
        assert '.onnx ' in first and second == first
    finally:
        home.engine('volume', 'rm', '--force', volume)


# How it ends.

def test_the_server_answers_through_a_published_port_and_stops(home, detached):
    container = detached('serve.py', '--model', PAINTINGS, '--host', '0.0.0.0',
                         flags=('-p', '127.0.0.1::8080'))
    until(home.engine, container, lambda text: 'http://' in text)
    address = 'http://' + home.engine('port', container, '8080').stdout.strip()
    with urllib.request.urlopen(address + '/healthz', timeout=60) as answer:
        assert answer.status == 200
    with open(home.path('photos', '0.jpg'), 'rb') as file:
        photo = file.read()
    request = urllib.request.Request(address + '/v1/stylize?style=2', photo, {'Content-Type': 'image/jpeg'})
    with urllib.request.urlopen(request, timeout=120) as answer:
        painted = images.decode(answer.read(), 'the answer')
    assert painted.shape == images.read(home.path('photos', '0.jpg')).shape
    assert stop(home.engine, container) == 0


def test_training_stopped_in_a_container_goes_on_in_the_next(home, detached):
    flags = training(train_steps=100000, model_dir='runs/stopped')
    container = detached(*flags)
    until(home.engine, container, lambda text: 'step 2 of' in text)
    assert stop(home.engine, container) == 3
    step = int(re.search(r'goes on from step (\d+)', logs(home.engine, container)).group(1))
    result = home.run(*training(train_steps=step + 1, model_dir='runs/stopped'))
    assert result.returncode == 0 and 'step %d of' % (step + 1) in result.stdout, result.stderr


def test_a_batch_is_stopped_in_the_middle_of_a_long_picture(home, detached):
    images.write(home.path('photos', 'large.png'), np.zeros([3500, 3500, 3], np.uint8))
    try:
        container = detached('stylize.py', '--model', PAINTINGS, '--input', 'photos/large.png',
                             '--output', 'large.png', '--max_memory', '64GB')
        pid = home.engine('inspect', '--format', '{{.State.Pid}}', container).stdout.strip()
        hears_sigterm(pid)
        assert stop(home.engine, container) == 128 + signal.SIGTERM, logs(home.engine, container)
        assert not os.path.exists(home.path('large.png'))
    finally:
        os.remove(home.path('photos', 'large.png'))


def hears_sigterm(pid):
    """Waits until a process has a handler for SIGTERM."""
    deadline = time.monotonic() + running.TIMEOUT
    while time.monotonic() < deadline:
        with open('/proc/%s/status' % pid) as file:
            caught = int(re.search(r'^SigCgt:\s*(\w+)', file.read(), re.M).group(1), 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)
    raise AssertionError('no handler')
