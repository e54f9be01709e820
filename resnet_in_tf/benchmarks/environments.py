"""Python environments of other programs, each in a folder of the cache, so that none touches another."""

import os
import subprocess
import sys

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

DONE = 'requirements.txt'  # written when all of them are there


def environment(name, requirements, folder):
    """Makes a virtual environment of this Python with packages in it, or finds it where it is.

    Args:
        name: str, what it is called.
        requirements: list of str, as pip takes them.
        folder: where environments are kept; it is made where it is missing.

    Returns:
        str, path of its Python.

    Raises:
        UserError: it cannot be made, or a package cannot be installed; the next call begins anew.
    """
    path = os.path.join(folder, '%s-%d.%d' % ((name,) + sys.version_info[:2]))
    python = os.path.join(path, *(('Scripts', 'python.exe') if os.name == 'nt' else ('bin', 'python')))
    done, wanted = os.path.join(path, DONE), '\n'.join(requirements)
    if os.path.exists(python) and read(done) == wanted:
        return python
    run([sys.executable, '-m', 'venv', '--clear', path], name)
    run([python, '-m', 'pip', 'install', '--quiet'] + list(requirements), name)
    files.write_file(done, wanted.encode())
    return python


def read(path):
    """The text of a file; None where there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def run(command, name):
    """Runs a command to its end; UserError with its last line where it fails."""
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        said = process.communicate()[0].decode('utf-8', 'replace')
    except OSError as error:
        raise UserError('%s cannot be installed: %s' % (name, error.strerror)) from error
    if process.returncode:
        lines = [line for line in said.splitlines() if line.strip()] or ['no word why']
        errors = [line for line in lines if line.lower().startswith('error')] or lines
        raise UserError('%s cannot be installed: %s' % (name, ' '.join(errors[-1].split())))
