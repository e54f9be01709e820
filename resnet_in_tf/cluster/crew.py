"""The workers of a cluster: one a GPU, or one for some cores, on each machine that lives."""

import collections

from resnet_in_tf.cluster.painter import Painter
from resnet_in_tf.errors import UserError

DEATHS = 3  # workers that die in a row while they open the network, before any has opened it
SECONDS = 10  # that workers have to end

Room = collections.namedtuple('Room', 'workers resources cores share')
Room.__doc__ = """What a machine has room for.

Fields:
    workers: int.
    resources: dict of arguments of Ray's options, for each.
    cores: int, of each.
    share: float, part of the machine's memory for each.
"""


def room(resources, cores):
    """The workers of a machine: Room.

    Args:
        resources: dict, as ray.nodes() tells it: how many 'CPU' and 'GPU'.
        cores: int, of a worker without a GPU.
    """
    cpus, gpus = int(resources.get('CPU', 0)), int(resources.get('GPU', 0))
    workers = gpus or (max(1, cpus // cores) if cpus else 0)
    if not workers:
        return Room(0, {}, 0, 1)
    if gpus:
        return Room(gpus, {'num_gpus': 1, 'num_cpus': cpus // gpus}, max(1, cpus // gpus), 1 / gpus)
    own = min(cpus, cores)
    return Room(workers, {'num_cpus': own}, own, 1 / workers)


class Worker:
    """A Painter on some machine.

    Attributes:
        actor: Ray's handle.
        node: str, Ray's name of the machine.
        ready: whether it has opened the network.
        flight: deque of run.Group that it has, in their order.
    """

    def __init__(self, actor, node):
        self.actor, self.node, self.ready, self.flight = actor, node, False, collections.deque()


class Crew:
    """Keeps as many workers as the machines that live have room for.

    Args:
        ray: the module.
        work: painter.Work.
        model: bytes of the network's file.
        cores: as in `room`.
        on_note: called with each line that is worth a word.

    Attributes:
        workers: list of Worker.
        opening: dict from what Ray will answer to the Worker that opens its network.
        opened: whether any has.
    """

    def __init__(self, ray, work, model, cores, on_note):
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
        self.ray, self.work, self.cores, self.on_note = ray, work, cores, on_note
        self.on_node = NodeAffinitySchedulingStrategy
        self.model, self.own = ray.put(model), ray.get_runtime_context().get_node_id()
        self.workers, self.opening, self.deaths, self.opened = [], {}, 0, False
        self.unfit = {}  # machines where the network cannot be opened -> why
        # Beside what paints. Through ray:// that is not heard, and files are fetched between groups.
        ray.method(concurrency_group='ahead')(Painter.prepare)
        self.kind = ray.remote(concurrency_groups={'ahead': 1})(Painter)

    def fill(self):
        """Starts workers where a machine has room for more.

        Raises:
            UserError: no machine that is left can open the network, or this program's own has left the
                cluster: no answer reaches it any more.
        """
        alive = [node for node in self.ray.nodes() if node['Alive']]
        if self.own not in {node['NodeID'] for node in alive}:
            raise UserError("--cluster: Ray's process on this machine has ended, and the run with it; "
                            'start it, and the same command goes on')
        nodes = [node for node in alive if room(node['Resources'], self.cores).workers]
        if nodes and all(node['NodeID'] in self.unfit for node in nodes):
            raise UserError(self.unfit[nodes[0]['NodeID']])
        for node in nodes:
            if node['NodeID'] in self.unfit:
                continue
            wanted = room(node['Resources'], self.cores)
            here = sum(worker.node == node['NodeID'] for worker in self.workers)
            for _ in range(wanted.workers - here):
                actor = self.kind.options(
                    max_restarts=0, scheduling_strategy=self.on_node(node['NodeID'], soft=False),
                    **wanted.resources).remote(wanted.cores, wanted.share)
                worker = Worker(actor, node['NodeID'])
                self.workers.append(worker)
                self.opening[actor.open.remote(self.work, self.model)] = worker

    def opens(self, answer):
        """Takes the answer of a worker that has opened its network, or could not.

        Raises:
            UserError: no worker can.
        """
        worker = self.opening.pop(answer)
        try:
            self.ray.get(answer)
        except self.ray.exceptions.RayTaskError as error:
            if not self.opened:
                raise UserError(reason(error)) from error
            self.unfit[worker.node] = reason(error)
            self.on_note('a machine is left out: %s' % reason(error))
            self.lose(worker)
        except self.ray.exceptions.RayError as error:
            self.lose(worker)
            self.deaths += 1
            if not self.opened and self.deaths >= DEATHS:
                raise UserError('--cluster: workers cannot be started (%s)' % reason(error)) from error
        else:
            worker.ready = self.opened = True

    def lose(self, worker):
        """Forgets a worker that died."""
        if worker in self.workers:
            self.workers.remove(worker)
        for answer in [answer for answer, each in self.opening.items() if each is worker]:
            del self.opening[answer]

    def close(self):
        """Ends all workers, those that are ready in their own way."""
        closing = [worker.actor.close.remote() for worker in self.workers if worker.ready]
        if closing:
            self.ray.wait(closing, num_returns=len(closing), timeout=SECONDS)
        self.stop()

    def stop(self):
        """Ends all workers at once."""
        for worker in self.workers:
            self.ray.kill(worker.actor)
        self.workers, self.opening = [], {}


def reason(error):
    """What a worker or Ray says, in one line."""
    cause = getattr(error, 'cause', None)
    if isinstance(cause, UserError):
        return str(cause)
    lines = [line for line in str(cause or error).strip().split('\n') if line.strip()]
    return ' '.join((lines[-1] if lines else type(error).__name__).split())[:300]
