"""A real `pip install` on a Python without TensorFlow, and one photo restyled with what it brings."""

import os
import shutil
import subprocess

import numpy as np
import onnx_networks
import pytest
import running

from resnet_in_tf import shipped
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer

MAKE_VENV = os.path.join(running.ROOT, 'scripts', 'make_venv.sh')


def pythons():
    """Interpreters of the light lane that are here: list of paths."""
    found = [subprocess.run(['/bin/sh', MAKE_VENV, '--find', version], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, universal_newlines=True) for version in ('3.12', '3.13')]
    return [result.stdout.strip() for result in found if not result.returncode]


def run(*command, **settings):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            universal_newlines=True, timeout=running.TIMEOUT, **settings)
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.mark.slow
def test_pip_install_and_one_command_restyle_a_photo_without_tensorflow(tmp_path, face):
    pytest.importorskip('onnxruntime')  # for what it is compared with
    found = pythons()
    if not found:
        pytest.skip('needs Python 3.12 or 3.13')
    source, python = tmp_path / 'source', str(tmp_path / 'venv' / 'bin' / 'python')
    source.mkdir()
    for name in ('setup.py', 'MANIFEST.in', 'LICENSE', 'README.md'):
        shutil.copy(os.path.join(running.ROOT, name), str(source))
    for name in ('resnet_in_tf', 'scripts'):
        shutil.copytree(os.path.join(running.ROOT, name), str(source / name))
    (source / 'checkpoints').mkdir()
    model = onnx_networks.write(source / 'checkpoints' / 'any.onnx', half=True)
    images.write(str(tmp_path / 'photo.png'), face[300:361, 400:480])
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('PYTHONPATH', shipped.VARIABLE)}
    run(found[0], '-m', 'venv', str(tmp_path / 'venv'))
    run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', str(source),
        cwd=str(tmp_path), env=environment)
    named = run(python, '-m', 'pip', 'list', '--format=freeze', cwd=str(tmp_path), env=environment).lower()
    assert 'onnxruntime' in named and not any(
        name in named for name in ('tensorflow', 'scipy', 'h5py', 'pycocotools', 'sympy'))
    out = run(python, str(tmp_path / 'venv' / 'bin' / 'stylize.py'), '--input', 'photo.png',
              cwd=str(tmp_path), env=environment)
    assert 'Look at photo_wave.png' in out
    with Stylizer(model) as stylizer:
        wanted = stylizer.stylize(face[300:361, 400:480], stylizer.style_weights('wave'))
    result = images.read(str(tmp_path / 'photo_wave.png'))
    assert np.abs(result - np.clip(wanted, 0, 255)).max() <= 1
