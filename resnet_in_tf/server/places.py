"""A bounded number of places: few jobs run, some wait, the rest are turned away."""

import concurrent.futures
import math
import threading
import time

from resnet_in_tf.server import problems

TICK = 0.1  # seconds between looks at whether the client is still there


class Places:
    """Runs jobs in a few threads behind a queue with a bound, first come, first served.

    Args:
        workers: int, jobs that run at once.
        waiting: int, jobs that may wait for one of them.
    """

    def __init__(self, workers, waiting):
        self.workers, self.limit = workers, workers + waiting
        self.pool = concurrent.futures.ThreadPoolExecutor(workers, 'stylize')
        self.lock = threading.Lock()
        self.taken = self.running = 0
        self.seconds_a_job = 1.0  # a moving mean, for Retry-After
        self.stopping = False

    @property
    def waiting(self):
        """Jobs that have a place and do not run yet."""
        return max(0, self.taken - self.running)

    def run(self, job, seconds, is_gone):
        """Runs a job in its turn.

        A job that waits gives its place back at once when its client leaves or its time is over.
        One that runs cannot be broken off: its answer is dropped, its place stays taken to the end.

        Args:
            job: function without arguments.
            seconds: float, the longest that waiting and running may take.
            is_gone: function that says whether the client left.

        Returns:
            What the job returns; what it raises is raised here.

        Raises:
            problems.Problem: no place, too slow, the client left, or the server stops.
        """
        deadline = time.monotonic() + seconds
        box = [job]  # emptied below, so that what is given up holds no picture
        future = self._take(box)
        try:
            while not concurrent.futures.wait(
                    [future], min(TICK, max(0.0, deadline - time.monotonic()))).done:
                if is_gone():
                    raise problems.gone()
                if time.monotonic() >= deadline:
                    raise problems.too_slow(seconds)
                if self.stopping and future.cancel():
                    raise problems.stopping()
            return future.result()
        finally:
            future.cancel()
            del box[:]

    def stop(self):
        """From now on nothing starts; what runs is finished."""
        self.stopping = True

    def _take(self, box):
        with self.lock:
            if self.stopping:
                raise problems.stopping()
            if self.taken >= self.limit:
                ahead = self.taken * self.seconds_a_job / self.workers
                raise problems.busy(int(min(60, max(1, math.ceil(ahead)))))
            self.taken += 1
        future = self.pool.submit(self._start, box)
        future.add_done_callback(self._give_back)  # called for what is cancelled, too
        return future

    def _start(self, box):
        job, started = box.pop(), time.monotonic()
        with self.lock:
            self.running += 1
        try:
            return job()
        finally:
            with self.lock:
                self.running -= 1
                self.seconds_a_job += 0.2 * (time.monotonic() - started - self.seconds_a_job)

    def _give_back(self, future):
        with self.lock:
            self.taken -= 1
