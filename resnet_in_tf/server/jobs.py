"""A bounded number of places: few jobs run, some wait, the rest are turned away."""

import concurrent.futures
import math
import threading
import time

from resnet_in_tf.server import problems

TICK = 0.1  # seconds between looks at whether the client is still there
OVERHEAD = 20000  # pixels whose time is that of decoding the smallest picture and the like


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
        self.pixels = 0  # of all that has a place
        self.seconds_a_pixel = 0.0  # a moving mean; 0 until the first job is done
        self.stopping = False

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
            pixels: int, the size of its result.
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
            ahead = self.pixels * self.seconds_a_pixel / self.workers
            hopeless = ahead + pixels * self.seconds_a_pixel > seconds
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
            return job()
        finally:
            with self.lock:
                self.running -= 1
                pace = (time.monotonic() - started) / pixels
                known = self.seconds_a_pixel
                self.seconds_a_pixel = known + 0.3 * (pace - known) if known else pace

    def _give_back(self, pixels):
        with self.lock:
            self.taken -= 1
            self.pixels -= pixels
