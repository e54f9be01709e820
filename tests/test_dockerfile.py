"""The Docker image, as far as it can be held without a Docker engine."""

import fnmatch
import json
import os
import re
import subprocess

import pytest
from dockerfile_parse import DockerfileParser

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENTRYPOINT = os.path.join(REPOSITORY, 'docker', 'entrypoint')
# Steps that change the system around Python: they need the image itself.
ONLY_IN_THE_IMAGE = ('apt-get', 'useradd')
BASE_PINS = ('--no-compile', 'tensorflow-gpu==1.15.0', 'numpy==1.17.4', 'h5py==2.10.0',
             'protobuf==3.19.6')
# The base image has no nvcc; this machine may, at a place that PATH does not decide.
HIDE_NVCC = """
import os
access, exists = os.access, os.path.exists
os.access = lambda path, *rest, **named: (
    not str(path).endswith('/nvcc') and access(path, *rest, **named))
os.path.exists = lambda path: not str(path).endswith('/nvcc') and exists(path)
"""


@pytest.fixture(scope='module')
def steps():
    parser = DockerfileParser(path=os.path.join(REPOSITORY, 'Dockerfile'))
    return [(step['instruction'], step['value']) for step in parser.structure
            if step['instruction'] != 'COMMENT']


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


def test_container_does_not_run_as_root_and_keeps_data_in_volumes(steps):
    assert values(steps, 'USER')[-1] not in ('root', '0')
    assert json.loads(values(steps, 'VOLUME')[0]) == ['/data', '/models', '/cache']
    keras = re.search(r'KERAS_HOME=(\S+)', '\n'.join(values(steps, 'ENV'))).group(1)
    assert keras.startswith('/cache/')


def test_op_is_built_ahead_outside_the_volumes(steps):
    """A volume mounted over the built op would hide it."""
    cache = re.search(r'RESNET_IN_TF_CACHE=(\S+)', '\n'.join(values(steps, 'ENV'))).group(1)
    assert not cache.startswith(tuple(json.loads(values(steps, 'VOLUME')[0])))
    assert any('resnet_in_tf.instance_norm.build' in value for value in values(steps, 'RUN'))


def test_everything_copied_passes_the_dockerignore(steps):
    with open(os.path.join(REPOSITORY, '.dockerignore'), encoding='utf-8') as handle:
        kept = [line[1:].strip() for line in handle if line.startswith('!')]
    for source, _ in copies(steps):
        parents = [source.rsplit('/', count)[0] for count in range(source.count('/') + 1)]
        assert any(fnmatch.fnmatch(path, pattern) or pattern.startswith(source + '/')
                   for path in parents for pattern in kept), source


@pytest.mark.parametrize('arguments', [[], ['help'], ['--help']])
def test_entrypoint_without_a_command_lists_the_commands(arguments):
    result = run([ENTRYPOINT] + arguments)
    assert result.returncode == 0
    for command in ('train.py', 'freeze_graph.py', 'stylize.py', 'serve.py', 'evaluate.py'):
        assert command in result.stdout


def test_entrypoint_hands_on_arguments_and_exit_status(tmp_path):
    script = tmp_path / 'train.py'
    script.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    script.chmod(0o755)
    environment = dict(os.environ, PATH='{}:{}'.format(tmp_path, os.environ['PATH']))
    result = run([ENTRYPOINT, 'train.py', '--style', 'the wave.jpg'], env=environment)
    assert (result.returncode, result.stdout) == (7, '--style|the wave.jpg|')


def test_entrypoint_names_a_command_it_does_not_have():
    result = run([ENTRYPOINT, 'trian.py', '--style', 'wave.jpg'])
    assert result.returncode == 2
    assert result.stderr.startswith('error: there is no command trian.py in this image\n')


class Replay:
    """Runs instructions of the Dockerfile in a virtual environment, under a root of its own."""

    def __init__(self, root, venv):
        self.root = str(root)
        self.directory = self.root
        self.environment = {
            'PATH': '{}:/usr/local/bin:/usr/bin:/bin'.format(os.path.join(str(venv), 'bin')),
            'HOME': self.inside('/root')}
        self.environment.update(
            {name: value for name, value in os.environ.items() if name.startswith('PIP_')})
        os.makedirs(self.environment['HOME'])
        hiding = self.inside('/hiding')
        os.makedirs(hiding)
        with open(os.path.join(hiding, 'sitecustomize.py'), 'w', encoding='utf-8') as handle:
            handle.write(HIDE_NVCC)
        self.environment['PYTHONPATH'] = hiding

    def inside(self, path):
        return os.path.normpath(os.path.join(self.root, path.lstrip('/')))

    def workdir(self, value):
        self.directory = self.inside(value)
        os.makedirs(self.directory, exist_ok=True)

    def env(self, value):
        for name, setting in re.findall(r'(\w+)=(\S+)', value):
            self.environment[name] = self.inside(setting) if setting[0] == '/' else setting

    def copy(self, value):
        *sources, destination = value.split()
        target = self.inside(destination) if destination[0] == '/' else os.path.join(
            self.directory, destination)
        for source in sources:
            origin = os.path.join(REPOSITORY, source)
            folder = os.path.isdir(origin) or destination.endswith('/')
            os.makedirs(target if folder else os.path.dirname(target), exist_ok=True)
            # The engine copies what a folder holds, not the folder itself.
            subprocess.check_call(
                ['cp', '-R', origin + '/.' if os.path.isdir(origin) else origin, target])

    def run(self, value):
        if any(word in value for word in ONLY_IN_THE_IMAGE):
            return False
        result = run(['bash', '-euo', 'pipefail', '-c', value], cwd=self.directory,
                     env=self.environment)
        assert result.returncode == 0, '{}\n{}'.format(value, result.stderr[-3000:])
        return True


@pytest.fixture(scope='module')
def base_venv(tmp_path_factory):
    """A clean Python 3.6 with what the base image has."""
    found = run([os.path.join(REPOSITORY, 'scripts', 'make_venv.sh'), '--find', '3.6'])
    if found.returncode:
        pytest.skip('THE IMAGE IS NOT REPLAYED: no python3.6 here; its base image has 3.6')
    venv = str(tmp_path_factory.mktemp('image') / 'venv')
    subprocess.check_call([found.stdout.strip(), '-m', 'venv', venv])
    # The last pip for 3.6 to install the base, then the one that the image was made with.
    for packages in (('pip==21.3.1',), BASE_PINS, ('pip==19.3.1',)):
        result = run([os.path.join(venv, 'bin', 'python3'), '-m', 'pip', 'install', *packages])
        if result.returncode:
            pytest.skip('THE IMAGE IS NOT REPLAYED: cannot install {}: {}'.format(
                ' '.join(packages), (result.stderr.strip().splitlines() or ['no reason'])[-1]))
    return venv


@pytest.mark.slow
def test_python_steps_replay_in_a_clean_python_3_6(steps, base_venv, tmp_path):
    replay = Replay(tmp_path / 'root', base_venv)
    actions = {'WORKDIR': replay.workdir, 'ENV': replay.env, 'COPY': replay.copy,
               'RUN': replay.run}
    ran = [value for name, value in steps if name in actions and actions[name](value)]
    assert len(ran) == 4  # pip, dependencies, package, op

    check = run(['python3', '-m', 'pip', 'check'], env=replay.environment)
    assert check.returncode == 0, check.stdout
    built = os.listdir(replay.environment['RESNET_IN_TF_CACHE'])
    assert len(built) == 1 and built[0].startswith('instance_norm-cpu-')
    entrypoint = replay.inside('/usr/local/bin/entrypoint')
    for script in sorted(os.listdir(os.path.join(REPOSITORY, 'scripts'))):
        if os.path.exists(os.path.join(base_venv, 'bin', script)):
            result = run([entrypoint, script, '--help'], cwd=replay.directory,
                         env=replay.environment)
            assert '--' in result.stdout and 'Traceback' not in result.stderr, script
    assert os.path.exists(os.path.join(base_venv, 'bin', 'train.py'))
