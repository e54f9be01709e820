"""The image, built from this working tree, and folders of users to run it on."""

import os
import shutil
import subprocess

import containers
import pytest
import running

from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import gallery

SHIPPED = ('Dockerfile', '.dockerignore', 'setup.py', 'resnet_in_tf', 'scripts', 'checkpoints', 'docker')
TAG = 'localhost/resnet_in_tf'
# The image's own user, and one that the image has never heard of: `--user "$(id -u):$(id -g)"`.
USERS = {'own': ('1000:1000', ()), 'foreign': ('12345:54321', ('--user', '12345:54321'))}


@pytest.fixture(scope='session')
def engine(tmp_path_factory):
    """podman, with the image built as TAG from a clone as private as umask 077 makes it."""
    try:
        containers.find_python()
        podman = containers.Engine()
        base = podman.base()
    except containers.Unavailable as reason:
        pytest.skip('THE IMAGE IS NOT BUILT: %s' % reason)
    context = str(tmp_path_factory.mktemp('clone'))
    for name in SHIPPED:
        subprocess.check_call(['cp', '-R', os.path.join(running.ROOT, name), context])
    subprocess.check_call(['chmod', '-R', 'go=', context])
    built = podman.build(TAG, context, '--build-arg', 'BASE_IMAGE=' + base)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    yield podman
    podman.close()


class Home:
    """A folder of a user's, mounted as /data, and the image to run on it."""

    def __init__(self, engine, folder, name):
        self.engine, self.folder = engine, folder
        self.owner, self.flags = USERS[name]
        face = gallery.demo_photo()
        images.write(self.path('wave.jpg'), face[300:420, 400:560])
        os.mkdir(self.path('photos'))
        for number in range(4):
            images.write(self.path('photos', '%d.jpg' % number), face[100 * number:100 * number + 60, :90])
        subprocess.check_call(['chown', '-R', self.owner, folder])
        os.chmod(folder, 0o700)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def command(self, *command, flags=()):
        return ('run',) + tuple(flags) + self.flags + ('-v', self.folder + ':/data', TAG) + command

    def run(self, *command, flags=()):
        """`docker run --rm`: subprocess.CompletedProcess."""
        return self.engine(*self.command(*command, flags=('--rm',) + tuple(flags)))

    def owners(self):
        """Ids of users that have files in the folder."""
        return {'%d:%d' % (status.st_uid, status.st_gid) for status in
                (os.lstat(os.path.join(folder, name)) for folder, folders, files in os.walk(self.folder)
                 for name in folders + files)}


@pytest.fixture(scope='module', params=sorted(USERS))
def home(request, engine, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp(request.param))
    yield Home(engine, folder, request.param)
    shutil.rmtree(folder)
