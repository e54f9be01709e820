"""The Docker images, as far as they can be held without building them; tests/image builds and runs them."""

import fnmatch
import io
import json
import os
import re
import shutil
import subprocess

import pytest
from dockerfile_parse import DockerfileParser

from resnet_in_tf import shipped

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENTRYPOINT = os.path.join(REPOSITORY, 'docker', 'entrypoint')


SERVER = os.path.join('docker', 'server.Dockerfile')


def steps_of(name):
    with open(os.path.join(REPOSITORY, name), 'rb') as file:
        parser = DockerfileParser(fileobj=io.BytesIO(file.read()))
    return [(step['instruction'], step['value']) for step in parser.structure
            if step['instruction'] != 'COMMENT']


@pytest.fixture(scope='module')
def steps():
    return steps_of('Dockerfile')


@pytest.fixture(scope='module', params=['Dockerfile', SERVER])
def steps_of_each(request):
    return steps_of(request.param)


def values(steps, instruction):
    return [value for name, value in steps if name == instruction]


def copies(steps):
    """Return (source, destination) pairs of every COPY."""
    for value in values(steps, 'COPY'):
        *sources, destination = value.split()
        for source in sources:
            yield source, destination


def run(command, **settings):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, **settings)


def test_base_image_is_tensorflow_1_15_and_can_be_exchanged(steps):
    assert steps[0] == ('ARG', 'BASE_IMAGE=tensorflow/tensorflow:1.15.0-gpu-py3')
    assert values(steps, 'FROM') == ['${BASE_IMAGE}']


def test_nvidia_apt_lists_go_before_the_first_apt_get_update(steps):
    commands = '\n'.join(values(steps, 'RUN'))
    removed = re.search(r'rm -f \S*cuda\S*\.list \S*nvidia-ml\S*\.list', commands)
    assert removed.start() < commands.index('apt-get update')


def test_every_named_python_package_is_pinned(steps):
    installs = [words.split() for value in values(steps, 'RUN')
                for words in re.findall(r'pip install ([^&|;]*)', value)]
    named = [word for words in installs for word in words
             if not word.startswith('-') and not word.strip('\'"').startswith('.')]
    assert len(named) >= 3
    assert [word for word in named if '==' not in word] == []


def test_no_container_runs_as_root(steps_of_each):
    assert values(steps_of_each, 'USER')[-1] not in ('root', '0')


def test_the_servers_image_stands_on_a_plain_python_of_the_newest_lane():
    steps = steps_of(SERVER)
    version = re.fullmatch(r'BASE_IMAGE=python:3\.(\d+)-slim', values(steps, 'ARG')[0]).group(1)
    assert int(version) >= 12 and values(steps, 'FROM') == ['${BASE_IMAGE}']
    assert json.loads(values(steps, 'CMD')[0]) == ['serve.py', '--host', '0.0.0.0']


def test_data_is_kept_in_volumes(steps):
    assert json.loads(values(steps, 'VOLUME')[0]) == ['/data', '/models', '/cache']
    keras = re.search(r'KERAS_HOME=(\S+)', '\n'.join(values(steps, 'ENV'))).group(1)
    assert keras.startswith('/cache/')


def test_op_is_built_ahead_outside_the_volumes(steps):
    """A volume mounted over the built op would hide it."""
    kernels = re.search(r'RESNET_IN_TF_KERNELS=(\S+)', '\n'.join(values(steps, 'ENV'))).group(1)
    assert not kernels.startswith(tuple(json.loads(values(steps, 'VOLUME')[0])))
    assert any('resnet_in_tf.instance_norm.build' in value for value in values(steps, 'RUN'))


def test_the_network_that_ships_is_found_where_it_is_copied(steps):
    folder = re.search(r'%s=(\S+)' % shipped.VARIABLE, '\n'.join(values(steps, 'ENV'))).group(1)
    assert ('checkpoints', folder) in copies(steps)


def test_everything_copied_passes_the_dockerignore(steps_of_each):
    with open(os.path.join(REPOSITORY, '.dockerignore'), encoding='utf-8') as handle:
        kept = [line[1:].strip() for line in handle if line.startswith('!')]
    for source, _ in copies(steps_of_each):
        parents = [source.rsplit('/', count)[0] for count in range(source.count('/') + 1)]
        assert any(fnmatch.fnmatch(path, pattern) or pattern.startswith(source + '/')
                   for path in parents for pattern in kept), source


@pytest.mark.parametrize('arguments', [[], ['help'], ['--help']])
def test_entrypoint_without_a_command_lists_the_commands(arguments):
    result = run([ENTRYPOINT] + arguments)
    assert result.returncode == 0
    for command in ('train.py', 'freeze_graph.py', 'style_row.py', 'stylize.py', 'serve.py', 'evaluate.py'):
        assert command in result.stdout


def test_entrypoint_hands_on_arguments_and_exit_status(tmp_path):
    script = tmp_path / 'train.py'
    script.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    script.chmod(0o755)
    environment = dict(os.environ, PATH='{}:{}'.format(tmp_path, os.environ['PATH']))
    result = run([ENTRYPOINT, 'train.py', '--style', 'the wave.jpg'], env=environment)
    assert (result.returncode, result.stdout) == (7, '--style|the wave.jpg|')


@pytest.mark.parametrize('shell', ['dash', 'bash'])  # what /bin/sh is, by distribution
@pytest.mark.parametrize('word', ['trian.py', '-x', '-v', '--style', '--', 'cd', 'exec', 'if', '.', '/tmp',
                                  '*', './train.py', 'stylize.py --help'])
def test_entrypoint_names_a_command_it_does_not_have(word, shell):
    if not shutil.which(shell):
        pytest.skip('no %s here' % shell)
    result = run([shell, ENTRYPOINT, word, '--style', 'wave.jpg'])
    assert result.returncode == 2
    assert result.stderr.startswith('error: there is no command %s in this image\nUse: ' % word)


def test_entrypoint_runs_programs_by_path_and_those_that_a_shell_has_too():
    for command in (['/bin/echo', '-x'], ['echo', '-x']):
        assert run([ENTRYPOINT] + command).stdout == '-x\n'
