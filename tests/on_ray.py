"""Ray on this machine: nodes that are processes, and tiny photos for them."""

import contextlib
import os
import time

import numpy as np
import psutil
import running

from resnet_in_tf.pictures import images

SECONDS = 300  # a hang fails, a busy machine does not

# Python runs it when it starts. Who opens poison.png is killed; who opens held.png or held.mp4 first
# stays with it.
TRAPS = """
import builtins, os, signal, time
opened = builtins.open
def watched(path, *args, **settings):
    name = str(path)
    if name.endswith('/poison.png'):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.endswith(('/held.png', '/held.mp4')):
        try:
            with opened(name + '.pid', 'x') as file:
                file.write(str(os.getpid()))
            time.sleep(1000)
        except FileExistsError:
            pass
    return opened(path, *args, **settings)
builtins.open = watched
"""


def write_photos(folder, count, side=24):
    """Photos of several sizes and formats, some in a folder below."""
    os.makedirs(os.path.join(str(folder), 'sub'))
    for number in range(count):
        name = ('sub/' if number % 4 == 3 else '') + '%03d.%s' % (number, ('png', 'jpg')[number % 3 == 1])
        random = np.random.RandomState(number)
        images.write(os.path.join(str(folder), name), random.randint(0, 256, (side + number % 2, side, 3)))


def content(folder):
    """Every file below a folder, hidden ones too: dict of name -> bytes."""
    found = {}
    for path, _, names in os.walk(str(folder)):
        for name in names:
            with contextlib.suppress(FileNotFoundError), open(os.path.join(path, name), 'rb') as file:
                found[os.path.relpath(os.path.join(path, name), str(folder))] = file.read()
    return found


def start(*flags, **environment):
    """Starts stylize.py: subprocess.Popen with text pipes."""
    return running.start(running.argv('stylize.py', *flags), env=dict(os.environ, **environment))


def stylize(*flags, **environment):
    """Runs stylize.py to its end: running.Result."""
    process = start(*flags, **environment)
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return running.Result(process.returncode, out, err)


def until(wanted, process=None):
    """Waits for something to be true, while a process runs."""
    end = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < end and (process is None or process.poll() is None)
        time.sleep(0.02)


def holder(folder, process, name='held.png'):
    """The process that stays with a file of a folder, once there is one: its number."""
    path = os.path.join(str(folder), name + '.pid')
    until(lambda: os.path.exists(path) and os.path.getsize(path), process)
    with open(path) as file:
        return int(file.read())


class Nodes:
    """A head without workers, and nodes of one core: processes of this machine that meet on loopback.

    Args:
        folder: for what Python runs when it starts.
        environment: what all of them find in theirs.
    """

    def __init__(self, folder, environment):
        from ray.cluster_utils import Cluster
        with open(os.path.join(str(folder), 'sitecustomize.py'), 'w') as file:
            file.write(TRAPS)
        self.inherited = dict(environment, RAY_worker_niceness='0',
                              PYTHONPATH=os.pathsep.join([str(folder), running.ROOT]))
        with self.inheriting():
            self.cluster = Cluster(initialize_head=True, head_node_args=self.node(0, include_dashboard=False))
        # Ray 2.7 takes a program for one of the machine whose address stands here; every node writes its own.
        self.own = os.path.join(self.cluster.head_node.get_session_dir_path(), 'node_ip_address.json')
        self.head = None
        with contextlib.suppress(FileNotFoundError), open(self.own, 'rb') as file:
            self.head = file.read()
        self.made, self.others, self.environment = 0, [], {'RAY_ADDRESS': self.cluster.address}

    @contextlib.contextmanager
    def inheriting(self):
        before = dict(os.environ)
        os.environ.update(self.inherited)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    @staticmethod
    def node(cores, **more):
        return dict(more, num_cpus=cores, object_store_memory=80 * 2 ** 20)

    def two(self):
        """Sees to it that two nodes are there beside the head."""
        with self.inheriting():
            while len(self.others) < 2:
                # An address of its own, so that a program that joins takes the head for its own machine.
                self.made += 1
                self.others.append(self.cluster.add_node(
                    **self.node(1, node_ip_address='127.0.1.%d' % self.made)))
        if self.head is not None:
            with open(self.own, 'wb') as file:
                file.write(self.head)

    def kill(self, worker):
        """Kills the node that a worker, a process of that number, is on; the worker too."""
        worker = psutil.Process(worker)
        above = {each.pid for each in worker.parents()}
        node = [node for node in self.others
                if node.all_processes['raylet'][0].process.pid in above][0]
        self.others.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)
        with contextlib.suppress(psutil.NoSuchProcess):  # a machine that loses its power leaves none
            worker.kill()
