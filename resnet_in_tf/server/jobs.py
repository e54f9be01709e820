"""A queue with a bound: few jobs run, some wait, the rest are turned away."""

import collections
import concurrent.futures
import math
import statistics
import threading
import time

from resnet_in_tf.server import problems

TICK = 0.1  # seconds between looks at whether the client is still there
OVERHEAD = 20000  # pixels whose time is that of a request for the smallest picture
RECENT = 9  # jobs whose median is the pace: a few odd files do not shift it


class JobQueue:
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
        self.pixels = 0  # of all that has a place
        self.paces = collections.deque(maxlen=RECENT)  # seconds a pixel of the last jobs
        self.stopping = False

    @property
    def seconds_a_pixel(self):
        """The pace so far; 0 until the first job is done."""
        return statistics.median(self.paces) if self.paces else 0.0

    @property
    def waiting(self):
        """Jobs that have a place and do not run yet."""
        return max(0, self.taken - self.running)

    def run(self, job, pixels, seconds, is_gone):
        """Runs a job in its turn.

        A job that waits gives its place back at once when its client leaves or its time is over.
        One that runs cannot be broken off: its answer is dropped, its place stays taken to the end.
        One that, by the pace so far, would not be done in time is turned away at once.

        Args:
            job: function without arguments.
            pixels: float, what it costs, as pixels of a result.
            seconds: float, the longest that waiting and running may take.
            is_gone: function that says whether the client left.

        Returns:
            What the job returns; what it raises is raised here.

        Raises:
            problems.Problem: no place, too slow, the client left, or the server stops.
        """
        deadline = time.monotonic() + seconds
        box = [job]  # emptied below, so that what is given up holds no picture
        future = self._take(box, pixels + OVERHEAD, seconds)
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

    def _take(self, box, pixels, seconds):
        with self.lock:
            if self.stopping:
                raise problems.stopping()
            pace = self.seconds_a_pixel
            ahead = self.pixels * pace / self.workers
            hopeless = ahead + pixels * pace > seconds
            if self.taken >= self.limit or (self.taken >= self.workers and hopeless):
                raise problems.busy(int(min(60, max(1, math.ceil(ahead)))))
            self.taken += 1
            self.pixels += pixels
        future = self.pool.submit(self._start, box, pixels)
        # Called for what is cancelled, too.
        future.add_done_callback(lambda future: self._give_back(pixels))
        return future

    def _start(self, box, pixels):
        job, started = box.pop(), time.monotonic()
        with self.lock:
            self.running += 1
        try:
            result = job()
            self.paces.append((time.monotonic() - started) / pixels)
            return result
        finally:
            with self.lock:
                self.running -= 1

    def _give_back(self, pixels):
        with self.lock:
            self.taken -= 1
            self.pixels -= pixels
