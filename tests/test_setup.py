"""Set-up: the interpreter that make finds, its messages, and what an installation holds."""

import os
import shutil
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from resnet_in_tf import shipped
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import engines

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAKE_VENV = os.path.join(REPOSITORY, 'scripts', 'make_venv.sh')

# A real interpreter that says it is another: `python -c CODE` runs CODE with these changes made.
IMPOSTOR = """#!/bin/sh
exec {python} -c 'import platform, sys
sys.version_info = ({version}, 0, "final", 0)
platform.machine = lambda: "{machine}"
if not {venv}: sys.modules["ensurepip"] = None
exec(sys.argv[1])' "$2"
"""


class Machine:
    """A PATH, a home and a pyenv that hold the interpreters a test puts there, and no others."""

    def __init__(self, folder):
        self.path = folder / 'bin'
        self.pyenv = folder / 'pyenv' / 'versions'
        for path in (self.path, self.pyenv):
            path.mkdir(parents=True)
        for tool in ('dirname', 'touch'):
            (self.path / tool).symlink_to(shutil.which(tool))
        self.environment = {'PATH': str(self.path), 'HOME': str(folder),
                            'PYENV_ROOT': str(folder / 'pyenv')}

    def add(self, version, name=None, machine='x86_64', venv=True):
        path = self.path / (name or 'python' + version)
        self.write(path, IMPOSTOR.format(python=sys.executable, machine=machine, venv=venv,
                                         version=version.replace('.', ', ')))
        return str(path)

    def add_pyenv(self, version):
        path = self.pyenv / (version + '.9') / 'bin' / 'python'
        path.parent.mkdir(parents=True)
        shutil.copy(self.add(version, 'impostor'), str(path))
        return str(path)

    def write(self, path, text):
        path.write_text(text)
        path.chmod(0o755)

    def find(self, *arguments, **environment):
        return self.run(['/bin/sh', MAKE_VENV, '--find', *arguments], **environment)

    def run(self, command, **environment):
        return subprocess.run(command, env=dict(self.environment, **environment),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize('versions, chosen', [
    (['3.11', '3.6', '3.7'], 'python3.7'),
    (['3.11', '3.6'], 'python3.6'),
    (['3.9', '3.10', '3.11'], 'python3.11'),
    (['3.9', '3.10'], 'python3.10'),
    (['3.8', '3.9'], 'python3.9'),
    (['3.8', '3.12', '3.13'], 'python3.13'),
    (['3.8', '3.15'], 'python3.8'),
])
def test_first_of_the_order_is_chosen(machine, versions, chosen):
    for version in versions:
        machine.add(version)
    result = machine.find()
    assert (result.returncode, result.stdout.strip()) == (0, chosen)
    lanes = ['second lane' in result.stderr and 'TensorFlow 2.15' in result.stderr,
             'light lane' in result.stderr and 'onnxruntime' in result.stderr]
    light = chosen in ('python3.8', 'python3.13')
    assert lanes == [not light and chosen not in ('python3.7', 'python3.6'), light]


def test_pyenv_comes_before_the_second_lane(machine):
    machine.add('3.11')
    path = machine.add_pyenv('3.6')
    assert machine.find().stdout.strip() == path
    path = machine.add_pyenv('3.7')
    result = machine.find()
    assert (result.stdout.strip(), result.stderr) == (path, '')


def test_pyenv_has_the_second_lane_too(machine):
    path = machine.add_pyenv('3.10')
    result = machine.find()
    assert result.stdout.strip() == path
    assert 'second lane' in result.stderr


def test_shim_of_a_version_that_is_not_switched_on_is_passed_over(machine):
    machine.write(machine.path / 'python3.7', '#!/bin/sh\necho not found >&2\nexit 127\n')
    machine.add('3.6')
    assert machine.find().stdout.strip() == 'python3.6'


def test_python_from_the_environment_wins(machine):
    machine.add('3.7')
    mine = machine.add('3.10', 'mine')
    result = machine.find(PYTHON=mine)
    assert result.stdout.strip() == mine
    assert 'second lane' in result.stderr


@pytest.mark.parametrize('version, reason', [
    ('3.15', 'it is Python 3.15'),
    ('3.5', 'it is Python 3.5'),
])
def test_unusable_python_from_the_environment_is_an_error(machine, version, reason):
    machine.add('3.7')
    mine = machine.add(version, 'mine')
    result = machine.find(PYTHON=mine)
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.startswith('error: PYTHON=' + mine) and reason in result.stderr
    assert result.stderr.count('\n') == 1


def test_missing_python_from_the_environment_is_an_error(machine):
    machine.add('3.7')
    result = machine.find(PYTHON='/nowhere/python')
    assert result.returncode == 1
    assert result.stderr == 'error: PYTHON=/nowhere/python does not run; name a Python 3.7\n'


def test_interpreter_without_venv_is_passed_over_with_the_package_to_install(machine):
    machine.add('3.7', venv=False)
    machine.add('3.6')
    result = machine.find()
    assert result.stdout.strip() == 'python3.6'
    assert 'python3.7' in result.stderr and 'apt install python3.7-venv' in result.stderr


def test_processor_without_tensorflow_1_15_gets_the_second_lane(machine):
    machine.add('3.7', machine='aarch64')
    machine.add('3.9', machine='aarch64')
    result = machine.find()
    assert result.stdout.strip() == 'python3.9'
    assert 'no build for aarch64' in result.stderr


def test_one_version_can_be_asked_for(machine):
    machine.add('3.7')
    path = machine.add_pyenv('3.11')
    assert machine.find('3.11', PYTHON='/nowhere').stdout.strip() == path
    result = machine.find('3.6')
    assert (result.returncode, result.stderr) == (1, 'error: no Python 3.6 found\n')


@pytest.mark.parametrize('target', ['demo', 'test'])
def test_make_without_any_python_says_what_to_install(machine, tmp_path, target):
    venv = tmp_path / 'venv'
    result = machine.run([shutil.which('make'), '-C', REPOSITORY, target, 'VENV=%s' % venv])
    assert result.returncode != 0
    for words in ('Python 3.7', '3.9 to 3.11', 'pyenv install', 'Docker image'):
        assert words in result.stderr
    assert not venv.exists()


def test_venv_of_another_version_is_not_replaced(machine, tmp_path):
    venv = tmp_path / 'venv'
    (venv / 'bin').mkdir(parents=True)
    shutil.copy(machine.add('3.7', 'impostor'), str(venv / 'bin' / 'python'))
    machine.write(venv / 'bin' / 'python',
                  '#!/bin/sh\ncase $1 in -m) exit 0 ;; esac\n'
                  + (venv / 'bin' / 'python').read_text().split('\n', 1)[1])
    result = machine.run(['/bin/sh', MAKE_VENV, str(venv)], PYTHON=machine.add('3.11'))
    assert result.returncode == 1
    assert result.stderr.startswith('error: %s holds Python 3.7' % venv)
    assert 'VENV=.venv-3.11' in result.stderr


@pytest.fixture(scope='module')
def installation(tmp_path_factory):
    """A real `pip install` of a copy of the sources, in a folder of its own."""
    folder = tmp_path_factory.mktemp('installation')
    source, prefix = str(folder / 'source'), str(folder / 'prefix')
    os.makedirs(source)
    for name in ('setup.py', 'MANIFEST.in', 'LICENSE', 'README.md', 'resnet_in_tf', 'scripts', 'checkpoints'):
        origin = os.path.join(REPOSITORY, name)
        if os.path.exists(origin):
            subprocess.check_call(['cp', '-R', origin, source])
    subprocess.check_call([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps',
                           '--no-index', '--no-build-isolation', '--disable-pip-version-check',
                           '--prefix', prefix, source])
    library = os.path.join(prefix, 'lib', 'python%d.%d' % sys.version_info[:2], 'site-packages')
    return prefix, library


def test_scripts_are_commands_that_need_no_clone(installation, tmp_path):
    prefix, library = installation
    commands = {name for name in os.listdir(os.path.join(prefix, 'bin')) if name != '__pycache__'}
    there = set(os.listdir(os.path.join(REPOSITORY, 'scripts')))
    expected = {'train.py', 'freeze_graph.py', 'style_row.py', 'stylize.py', 'serve.py', 'evaluate.py',
                'benchmark.py'} & there
    assert commands == expected and 'train.py' in commands
    environment = dict(os.environ, PYTHONPATH=library,
                       PATH='{}/bin:{}'.format(prefix, os.environ['PATH']))
    result = subprocess.run(['train.py', '--help'], cwd=str(tmp_path), env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True)
    assert '--style' in result.stdout and '--coco_images' in result.stdout
    assert 'Traceback' not in result.stderr


def test_installation_holds_every_file_of_the_package(installation):
    _, library = installation
    package = os.path.join(REPOSITORY, 'resnet_in_tf')
    for folder, _, names in os.walk(package):
        for name in names:
            if '__pycache__' in folder or name.endswith(('.pyc', '.so')):
                continue
            path = os.path.relpath(os.path.join(folder, name), os.path.dirname(package))
            assert os.path.exists(os.path.join(library, path)), path


def test_an_installation_restyles_with_the_network_that_it_brings(installation, tmp_path, face):
    prefix, library = installation
    images.write(str(tmp_path / 'photo.jpg'), face[300:340, 400:460])
    environment = dict(os.environ, PYTHONPATH=library)
    environment.pop(shipped.VARIABLE, None)
    found = subprocess.check_output([sys.executable, '-c', 'from resnet_in_tf import shipped; '
                                     'print(shipped.path_of())'], cwd=str(tmp_path), env=environment).decode()
    assert found.strip() == os.path.join(library, 'resnet_in_tf', 'checkpoints', 'any.pb')
    script = os.path.join(prefix, 'bin', 'stylize.py')
    result = subprocess.run([sys.executable, script, '--input', 'photo.jpg'], cwd=str(tmp_path),
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True)
    assert result.returncode == 0, result.stderr
    made = sorted(os.listdir(str(tmp_path)))
    assert len(made) == 2 and result.stdout.endswith('Look at %s\n' % made[1])
    assert images.check(str(tmp_path / made[1])) == (60, 40)


def test_where_no_network_ships_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, 'FOLDERS', (str(tmp_path),))
    monkeypatch.delenv(shipped.VARIABLE, raising=False)
    with pytest.raises(UserError, match='^--model is missing, and this installation has no any.pb'):
        shipped.path_of()
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'any.pb').write_bytes(b'')
    monkeypatch.setenv(shipped.VARIABLE, str(tmp_path / 'other'))
    assert shipped.path_of() == shipped.path_of('onnxruntime') == str(tmp_path / 'other' / 'any.pb')
    (tmp_path / 'any.onnx').write_bytes(b'')  # the folder that the user names comes first
    assert shipped.path_of('onnxruntime') == str(tmp_path / 'other' / 'any.pb')
    (tmp_path / 'other' / 'any.onnx').write_bytes(b'')
    assert shipped.path_of('onnxruntime') == str(tmp_path / 'other' / 'any.onnx')


def test_a_network_that_ships_is_named_by_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, 'FOLDERS', (str(tmp_path / 'ships'),))
    monkeypatch.delenv(shipped.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'ships').mkdir()
    for name in ('any.pb', 'any.json', 'small.pb', 'small.onnx', 'small.json'):
        (tmp_path / 'ships' / name).write_bytes(b'')
    assert engines.network('tensorflow', 'small') == ('tensorflow', str(tmp_path / 'ships' / 'small.pb'))
    assert engines.network('onnxruntime', 'small') == ('onnxruntime', str(tmp_path / 'ships' / 'small.onnx'))
    assert engines.network('onnxruntime', None)[1] == str(tmp_path / 'ships' / 'any.pb')
    with pytest.raises(UserError, match='^--model large: there is no such file, .*; there are: any, small$'):
        engines.network('tensorflow', 'large')
    for path in ('small.pb', 'folder/small'):  # paths stay what they are, and so does a file of the name
        assert engines.network('tensorflow', path) == ('tensorflow', path)
    (tmp_path / 'small').write_bytes(b'')
    assert engines.network('tensorflow', 'small') == ('tensorflow', 'small')


def required(installation, python, extra=''):
    """What the installed package requires under a version of Python."""
    _, library = installation
    metadata = next(name for name in os.listdir(library) if name.endswith('.dist-info'))
    with open(os.path.join(library, metadata, 'METADATA'), encoding='utf-8') as handle:
        requirements = [Requirement(line.split(':', 1)[1].strip()) for line in handle
                        if line.startswith('Requires-Dist:')]
    return [item for item in requirements
            if item.marker.evaluate({'python_version': python, 'extra': extra})]


@pytest.mark.parametrize('python, tensorflow', [
    ('3.6', 'tensorflow-gpu==1.15.0'),
    ('3.7', 'tensorflow-gpu==1.15.0'),
    ('3.8', None),  # the light lane; NVIDIA's image brings its own
    ('3.9', 'tensorflow<2.16,>=2.15'),
    ('3.11', 'tensorflow<2.16,>=2.15'),
    ('3.12', None),
    ('3.14', None),
])
def test_tensorflow_is_picked_by_python_version(installation, python, tensorflow):
    named = ['{}{}'.format(item.name, item.specifier) for item in required(installation, python)]
    assert [item for item in named if item.startswith('tensorflow')] == (
        [tensorflow] if tensorflow else [])
    assert any(item.startswith('onnxruntime') for item in named) == (tensorflow is None)
    assert any(item.startswith(('scipy', 'h5py', 'pycocotools')) for item in named) == bool(tensorflow)
    assert {'numpy', 'Pillow', 'absl-py'} <= {item.name for item in required(installation, python)}


@pytest.mark.parametrize('python', ['3.6', '3.7', '3.8', '3.9', '3.11'])
def test_onnx_brings_what_tf2onnx_imports_without_declaring_it(installation, python):
    named = {item.name for item in required(installation, python, 'onnx')}
    assert {'tf2onnx', 'onnx', 'onnxruntime', 'packaging'} <= named


def test_make_compares_the_python_asked_for_with_the_one_that_is_there(machine, tmp_path):
    venv = tmp_path / 'venv'
    (venv / 'bin').mkdir(parents=True)
    (venv / '.demo').touch()  # a finished installation
    machine.add('3.7', 'impostor')
    text = (machine.path / 'impostor').read_text().split('\n', 1)[1]
    machine.write(venv / 'bin' / 'python', '#!/bin/sh\ncase $1 in -m) exit 0 ;; esac\n' + text)
    result = machine.run([shutil.which('make'), '-C', REPOSITORY, 'demo', 'VENV=%s' % venv,
                          'PYTHON=' + machine.add('3.11')])
    assert result.returncode != 0
    assert 'holds Python 3.7' in result.stderr
