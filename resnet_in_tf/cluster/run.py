"""Hands groups of pictures to workers, and sees to those of a worker that died."""

import collections
import itertools
import time

from resnet_in_tf.cluster.crew import reason

LOOK = 2.0  # seconds after which machines are looked for that have come or gone
AHEAD = 2  # groups that a worker has: one that it paints, one whose files come
DEATHS = 2  # workers that one picture may take with it
PATIENCE = 120  # seconds without a worker, after which that is told

Summary = collections.namedtuple('Summary', 'done skipped lost')
Summary.__doc__ = """How many pictures were done, and were there before; and how many workers died."""


class Group:
    """Pictures that a worker has.

    Args:
        number: int, which no other has.
        pictures: list of listing.Picture.
        deaths: int, workers that died over them.

    Attributes:
        prepared: whether their worker has told what of them is to do.
    """

    def __init__(self, number, pictures, deaths=0):
        self.number, self.pictures, self.deaths, self.prepared = number, pictures, deaths, False


class Run:
    """A batch on a cluster.

    Args:
        crew: crew.Crew.
        groups: iterator of lists of listing.Picture; it is read as workers ask for more.
        on_end: called with how many pictures ended since.
        on_failed: called with a name and a reason.
    """

    def __init__(self, crew, groups, on_end, on_failed):
        self.crew, self.ray, self.groups = crew, crew.ray, iter(groups)
        self.on_end, self.on_failed = on_end, on_failed
        self.ahead, self.numbers = collections.deque(), itertools.count()
        self.again, self.suspects = collections.deque(), collections.deque()  # Groups of workers that died
        self.listed = False  # whether no group comes any more
        self.waiting = {}  # what Ray will answer -> (function that takes it, Worker, Group)
        self.done = self.skipped = self.lost = 0
        self.folders = set()  # of results that a worker died over

    def run(self):
        """Restyles all: Summary.

        Raises:
            UserError: no worker can open the network.
        """
        worked, looked = time.monotonic(), -LOOK
        while True:
            now = time.monotonic()
            if now - looked > LOOK:
                looked = now
                self.crew.fill()
                if any(worker.ready for worker in self.crew.workers):
                    worked = now
                elif now - worked > PATIENCE:
                    worked = now
                    self.crew.on_note('no worker for %d seconds; waiting for a machine with room' % PATIENCE)
            self.hand_out()
            if self.listed and not (self.waiting or self.again or self.suspects or self.ahead):
                return Summary(self.done, self.skipped, self.lost)
            answers = list(self.waiting) + list(self.crew.opening)
            if not answers:
                time.sleep(LOOK)
                continue
            ready, _ = self.ray.wait(answers, num_returns=1, timeout=LOOK)
            for answer in ready:
                if answer in self.crew.opening:
                    self.crew.opens(answer)
                elif answer in self.waiting:  # its worker may have been lost meanwhile
                    take, worker, group = self.waiting.pop(answer)
                    self.take(answer, take, worker, group)

    def hand_out(self):
        """Gives each worker that is ready what it has room for, the idle ones first.

        Who has a suspect has nothing else: if it dies, there is no doubt over what.
        """
        for most in range(1, AHEAD + 1):
            for worker in self.crew.workers:
                if worker.ready and len(worker.flight) < most and not any(
                        group.deaths for group in worker.flight):
                    group = self.suspects.popleft() if self.suspects and not worker.flight else (
                        self.next_group())
                    if group is not None:
                        self.start(worker, group)

    def next_group(self):
        """The next Group, or None. Towards the end they become small, so that all workers end together."""
        if self.again:
            return self.again.popleft()
        share = AHEAD * max(1, len(self.crew.workers))
        while not self.listed and len(self.ahead) < share:
            pictures = next(self.groups, None)
            self.listed = pictures is None
            if pictures:
                self.ahead.append(pictures)
        if not self.ahead:
            return None
        pictures = self.ahead.popleft()
        if self.listed:
            left = len(pictures) + sum(map(len, self.ahead))
            most = -(-left // share)
            if most < len(pictures):
                self.ahead.appendleft(pictures[most:])
                pictures = pictures[:most]
        return Group(next(self.numbers), pictures)

    def start(self, worker, group):
        """Has a worker prepare a group and paint it."""
        worker.flight.append(group)
        prepared = worker.actor.prepare.remote(group.number, group.pictures, group.deaths > 0)
        self.waiting[prepared] = (self.prepared, worker, group)

    def take(self, answer, take, worker, group):
        """Hands an answer on, or sees to a worker that died."""
        try:
            value = self.ray.get(answer)
        except self.ray.exceptions.RayTaskError as error:  # a bug or a full disk, and not one picture's
            worker.flight.remove(group)
            for picture in group.pictures:
                self.end_failed(picture.name, '%s: %s' % (picture.name, reason(error)))
        except self.ray.exceptions.RayError:
            self.lose(worker)
        else:
            take(worker, group, value)

    def prepared(self, worker, group, value):
        """Has a worker paint what of a group is to do."""
        group.prepared = True
        done, there, failed = value
        ended = set(done) | set(there) | {name for name, _ in failed}
        group.pictures = [picture for picture in group.pictures if picture.name not in ended]
        self.done += len(done)
        self.skipped += len(there)
        self.on_end(len(done) + len(there))
        for each in failed:
            self.end_failed(*each)
        self.waiting[worker.actor.paint.remote(group.number)] = (self.painted, worker, group)

    def painted(self, worker, group, value):
        """Counts what became of a group."""
        worker.flight.remove(group)
        ended, notes = value
        for note in notes:
            self.crew.on_note(note)
        for name, why in ended:
            if why is None:
                self.done += 1
                self.on_end(1)
            else:
                self.end_failed(name, why)

    def end_failed(self, name, why):
        self.on_failed(name, why)
        self.on_end(1)

    def lose(self, worker):
        """Gives what a dead worker had to others: what it may have painted one by one, as one is to blame."""
        self.crew.lose(worker)
        self.lost += 1
        for answer in [answer for answer, each in self.waiting.items() if each[1] is worker]:
            del self.waiting[answer]
        for group in worker.flight:
            if not group.prepared:  # it was not painting them
                (self.suspects if group.deaths else self.again).append(
                    Group(next(self.numbers), group.pictures, group.deaths))
                continue
            deaths = group.deaths + 1
            for picture in group.pictures:
                self.folders.add(picture.target.rpartition('/')[0])
                if deaths < DEATHS:
                    self.suspects.append(Group(next(self.numbers), [picture], deaths))
                else:
                    self.end_failed(picture.name, '%s: %d workers died over it; it is left out'
                                    % (picture.name, deaths))
        worker.flight.clear()
