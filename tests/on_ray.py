"""Ray on this machine: nodes that are processes, and tiny photos for them."""

import contextlib
import os
import time

import numpy as np
import psutil
import running

from resnet_in_tf.pictures import images

SECONDS = 120  # a hang fails, a busy machine does not


def write_photos(folder, count, side=40):
    """Photos of several sizes and formats, some in a folder below: list of their names, sorted."""
    names = []
    for number in range(count):
        name = ('sub/' if number % 4 == 3 else '') + '%03d.%s' % (number, ('png', 'jpg')[number % 3 == 1])
        os.makedirs(os.path.dirname(os.path.join(str(folder), name)), exist_ok=True)
        random = np.random.RandomState(number)
        images.write(os.path.join(str(folder), name), random.randint(0, 256, (side + number % 2, side, 3)))
        names.append(name)
    return sorted(names)


def content(folder):
    """Every file below a folder, hidden ones too: dict of name -> bytes."""
    found = {}
    for path, _, names in os.walk(str(folder)):
        for name in names:
            with open(os.path.join(path, name), 'rb') as file:
                found[os.path.relpath(os.path.join(path, name), str(folder))] = file.read()
    return found


def start(*flags, **environment):
    """Starts stylize.py: subprocess.Popen with text pipes."""
    return running.start(running.argv('stylize.py', *flags), env=dict(os.environ, **environment))


def stylize(*flags, **environment):
    """Runs stylize.py to its end: running.Result."""
    process = start(*flags, **environment)
    out, err = process.communicate(timeout=SECONDS)
    return running.Result(process.returncode, out, err)


def until(wanted, process=None):
    """Waits for something to be true, while a process runs."""
    end = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < end and (process is None or process.poll() is None)
        time.sleep(0.01)


class Nodes:
    """Ray nodes of one core each, processes of this machine that find each other on loopback."""

    def __init__(self, ray, count, **environment):
        from ray.cluster_utils import Cluster
        before = dict(os.environ)
        os.environ.update(environment, PYTHONPATH=running.ROOT)
        try:
            self.cluster = Cluster(initialize_head=True, head_node_args=self.node(include_dashboard=False))
            self.others = [self.cluster.add_node(**self.node()) for _ in range(count - 1)]
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.environment = {'RAY_ADDRESS': self.cluster.address}

    @staticmethod
    def node(**more):
        return dict(more, num_cpus=1, object_store_memory=80 * 2 ** 20)

    def workers(self):
        """The processes of the machine that was added last."""
        raylet = psutil.Process(self.others[-1].all_processes['raylet'][0].process.pid)
        return raylet.children(recursive=True)

    def has_opened(self):
        """Whether the machine that was added last has a network open."""
        for worker in self.workers():
            with contextlib.suppress(OSError), open('/proc/%d/maps' % worker.pid) as file:
                if 'onnxruntime' in file.read():
                    return True
        return False

    def kill(self):
        """Kills the machine that was added last, its workers and all."""
        workers = self.workers()
        self.cluster.remove_node(self.others.pop(), allow_graceful=False)
        for worker in workers:  # what a machine that loses its power does not leave behind
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()

    def close(self):
        self.cluster.shutdown()
