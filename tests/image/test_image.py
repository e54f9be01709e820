"""The images in containers, as docs/docker.md uses them: by their own user and by one they do not know.

They are built from a clone made under umask 077, on stand-ins for the base images (tests/containers.py).
"""

import json
import os
import re
import signal
import time
import uuid

import containers
import numpy as np
import pytest
import running
from containers import logs, stop, until
from homes import PUBLISHED, SERVER_TAG, TAG

from resnet_in_tf.pictures import images

PAINTINGS = '/checkpoints/paintings.pb'
SCRIPTS = ('train.py', 'freeze_graph.py', 'style_row.py', 'stylize.py', 'serve.py', 'evaluate.py')
# Releases without the holes that docs/server.md lists.
MENDED = {'Pillow': (13, 0), 'h11': (0, 16), 'Werkzeug': (3, 1)}
VERSIONS = """
import importlib.metadata as found, importlib.util, json, sys
print(json.dumps([list(sys.version_info[:2]), importlib.util.find_spec('tensorflow') is None,
                  {name: found.version(name) for name in sys.argv[1:]}]))
"""
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
    home.serves(detached(home, 'serve.py', '--model', PAINTINGS, '--host', '0.0.0.0', flags=PUBLISHED))


def test_training_stopped_in_a_container_goes_on_in_the_next(home, detached):
    flags = training(train_steps=100000, model_dir='runs/stopped')
    container = detached(home, *flags)
    until(home.engine, container, lambda text: 'step 2 of' in text)
    assert stop(home.engine, container) == 3
    step = int(re.search(r'goes on from step (\d+)', logs(home.engine, container)).group(1))
    result = home.run(*training(train_steps=step + 1, model_dir='runs/stopped'))
    assert result.returncode == 0 and 'step %d of' % (step + 1) in result.stdout, result.stderr


def test_a_batch_is_stopped_in_the_middle_of_a_long_picture(home, detached):
    images.write(home.path('photos', 'large.png'), np.zeros([3500, 3500, 3], np.uint8))
    try:
        container = detached(home, 'stylize.py', '--model', PAINTINGS, '--input', 'photos/large.png',
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


# The server's image.

def test_the_servers_image_has_the_newest_releases_and_no_tensorflow(server_engine):
    result = server_engine('run', '--rm', SERVER_TAG, 'python3', '-c', VERSIONS, *MENDED)
    assert result.returncode == 0, result.stderr
    python, without_tensorflow, versions = json.loads(result.stdout)
    assert '%d.%d' % tuple(python) == containers.NEW and without_tensorflow
    for name, least in MENDED.items():
        assert tuple(map(int, versions[name].split('.')[:2])) >= least
    checked = server_engine('run', '--rm', SERVER_TAG, 'python3', '-m', 'pip', 'check')
    assert checked.returncode == 0, checked.stdout


def test_the_servers_image_serves_a_foreign_user_without_a_command_and_stops(server_home, detached):
    server_home.serves(detached(server_home, flags=PUBLISHED))


def test_the_servers_image_restyles_too_and_says_what_needs_the_other(server_home):
    result = server_home.run('stylize.py', '--model', 'paintings_small', '--input', 'photos/0.jpg',
                             '--output', 'new.png')
    assert result.returncode == 0, result.stderr
    photo, painted = [images.read(server_home.path(name)) for name in ('photos/0.jpg', 'new.png')]
    assert painted.shape == photo.shape and np.abs(painted.astype(int) - photo).mean() > 5
    refused = server_home.run('train.py', '--style', 'wave.jpg', '--coco_images', 'photos',
                              '--model_dir', 'run')
    assert refused.returncode == 2 and refused.stderr.count('\n') == 1 and 'TensorFlow' in refused.stderr
