"""Folders of users to run the images on, and what the images are called."""

import os
import subprocess
import urllib.request

import containers

from resnet_in_tf.pictures import images, sample

TAG, SERVER_TAG = 'localhost/resnet_in_tf', 'localhost/resnet_in_tf_server'
PUBLISHED = ('-p', '127.0.0.1::8080')
# The image's own user, and one that the image has never heard of: `--user "$(id -u):$(id -g)"`.
USERS = {'own': ('1000:1000', ()), 'foreign': ('12345:54321', ('--user', '12345:54321'))}


class Home:
    """A folder of a user's, mounted as /data, and the image to run on it."""

    def __init__(self, engine, folder, name, tag=TAG):
        self.engine, self.folder, self.tag = engine, folder, tag
        self.owner, self.flags = USERS[name]
        face = sample.photo()
        images.write(self.path('wave.jpg'), face[300:420, 400:560])
        os.mkdir(self.path('photos'))
        for number in range(4):
            images.write(self.path('photos', '%d.jpg' % number), face[100 * number:100 * number + 60, :90])
        subprocess.check_call(['chown', '-R', self.owner, folder])
        os.chmod(folder, 0o700)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def command(self, *command, flags=()):
        return ('run',) + tuple(flags) + self.flags + ('-v', self.folder + ':/data', self.tag) + command

    def run(self, *command, flags=()):
        """`docker run --rm`: subprocess.CompletedProcess."""
        return self.engine(*self.command(*command, flags=('--rm',) + tuple(flags)))

    def owners(self):
        """Ids of users that have files in the folder."""
        return {'%d:%d' % (status.st_uid, status.st_gid) for status in
                (os.lstat(os.path.join(folder, name)) for folder, folders, files in os.walk(self.folder)
                 for name in folders + files)}

    def serves(self, container):
        """Has a server that is started with PUBLISHED paint a photo, and stops it."""
        containers.until(self.engine, container, lambda text: 'http://' in text)
        address = 'http://' + self.engine('port', container, '8080').stdout.strip()
        with urllib.request.urlopen(address + '/healthz', timeout=60) as answer:
            assert answer.status == 200
        with open(self.path('photos', '0.jpg'), 'rb') as file:
            photo = file.read()
        request = urllib.request.Request(address + '/v1/stylize?style=2', photo,
                                         {'Content-Type': 'image/jpeg'})
        with urllib.request.urlopen(request, timeout=120) as answer:
            painted = images.decode(answer.read(), 'the answer')
        assert painted.shape == images.read(self.path('photos', '0.jpg')).shape
        assert containers.stop(self.engine, container) == 0
