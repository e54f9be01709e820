"""The images, built from this working tree, and folders of users to run them on."""

import os
import shutil
import subprocess

import containers
import pytest
import running
from homes import SERVER_TAG, TAG, USERS, Home

SHIPPED = ('Dockerfile', '.dockerignore', 'setup.py', 'resnet_in_tf', 'scripts', 'checkpoints', 'docker')


@pytest.fixture(scope='session')
def podman():
    """containers.Engine."""
    try:
        containers.find_python(containers.OLD)
        podman = containers.Engine()
    except containers.Unavailable as reason:
        pytest.skip('THE IMAGE IS NOT BUILT: %s' % reason)
    yield podman
    podman.close()


@pytest.fixture(scope='session')
def clone(tmp_path_factory):
    """What the images are built from, as private as umask 077 makes it: path of a folder."""
    context = str(tmp_path_factory.mktemp('clone'))
    for name in SHIPPED:
        subprocess.check_call(['cp', '-R', os.path.join(running.ROOT, name), context])
    subprocess.check_call(['chmod', '-R', 'go=', context])
    return context


def build(podman, base, tag, context, *flags):
    """Builds an image on the stand-in of its base; skips where there is none."""
    try:
        base = base()
    except containers.Unavailable as reason:
        pytest.skip('THE IMAGE IS NOT BUILT: %s' % reason)
    built = podman.build(tag, context, '--build-arg', 'BASE_IMAGE=' + base, *flags)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    return podman


@pytest.fixture(scope='session')
def engine(podman, clone):
    """podman, with the image built as TAG."""
    return build(podman, podman.base, TAG, clone)


@pytest.fixture(scope='session')
def server_engine(podman, clone):
    """podman, with the server's image built as SERVER_TAG."""
    return build(podman, podman.python_base, SERVER_TAG, clone, '--file',
                 os.path.join(clone, 'docker', 'server.Dockerfile'))


@pytest.fixture(scope='module', params=sorted(USERS))
def home(request, engine, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp(request.param))
    yield Home(engine, folder, request.param)
    shutil.rmtree(folder)


@pytest.fixture(scope='module')
def server_home(server_engine, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('stranger'))
    yield Home(server_engine, folder, 'foreign', SERVER_TAG)
    shutil.rmtree(folder)


@pytest.fixture
def detached():
    """Starts a container in a Home that goes on by itself: its id. It is gone after the test."""
    started = []

    def start(home, *command, flags=()):
        result = home.engine(*home.command(*command, flags=('--detach',) + tuple(flags)))
        assert result.returncode == 0, result.stderr
        started.append((home.engine, result.stdout.strip()))
        return started[-1][1]
    yield start
    for engine, name in started:
        engine('rm', '--force', '--volumes', name)
