"""The queue with a bound: who runs, who waits, who is turned away. No clock decides anything."""

import threading

import pytest

from resnet_in_tf.server.jobs import JobQueue
from resnet_in_tf.server.problems import Problem

LONG = 60.0
PIXELS = 1000000


class Job:
    """A job that runs until it is told to end."""

    def __init__(self, queue, seconds=LONG):
        self.started, self.end, self.left = threading.Event(), threading.Event(), threading.Event()
        self.answer = None
        self.thread = threading.Thread(target=self.ask, args=(queue, seconds))
        self.thread.start()

    def ask(self, queue, seconds):
        try:
            self.answer = queue.run(self.work, PIXELS, seconds, self.left.is_set)
        except Problem as problem:
            self.answer = problem.code

    def work(self):
        self.started.set()
        assert self.end.wait(LONG)
        return 'done'

    def result(self):
        self.thread.join(LONG)
        assert not self.thread.is_alive()
        return self.answer


def until(condition):
    pause = threading.Event()
    for _ in range(int(LONG / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError('it did not come about')


@pytest.fixture
def queue():
    queue = JobQueue(workers=1, waiting=1)
    yield queue
    queue.pool.shutdown()


@pytest.fixture
def running(queue):
    job = Job(queue)
    assert job.started.wait(LONG)
    yield job
    job.end.set()
    job.result()


@pytest.fixture
def waiting(queue, running):
    job = Job(queue)
    until(lambda: queue.waiting == 1)
    yield job
    job.end.set()
    running.end.set()
    job.result()


def refused(queue, seconds=LONG):
    with pytest.raises(Problem) as caught:
        queue.run(lambda: None, PIXELS, seconds, lambda: False)
    return caught.value


def test_past_the_bound_the_answer_is_503_with_a_time_to_come_back(queue, waiting):
    problem = refused(queue)
    assert (problem.status, problem.code) == (503, 'busy')
    assert 1 <= int(problem.headers['Retry-After']) <= 60


def test_the_next_in_line_runs_when_one_is_done(queue, running, waiting):
    assert not waiting.started.is_set()
    running.end.set()
    waiting.end.set()
    assert (running.result(), waiting.result()) == ('done', 'done')
    until(lambda: queue.taken == 0)


def test_a_client_that_leaves_the_queue_frees_its_place(queue, running, waiting):
    waiting.left.set()
    assert waiting.result() == 'client_gone'
    assert (queue.waiting, queue.taken) == (0, 1)
    assert not waiting.started.is_set()


def test_time_that_runs_out_in_the_queue_is_504_and_frees_the_place(queue, running):
    problem = refused(queue, seconds=0.01)
    assert (problem.status, problem.code) == (504, 'too_slow')
    assert queue.taken == 1


def test_who_could_not_be_done_in_time_is_turned_away_at_once(queue, running):
    queue.paces.append(LONG / PIXELS)  # as slow as that
    problem = refused(queue, seconds=1.5 * LONG)
    assert (problem.status, problem.code) == (503, 'busy')
    assert queue.taken == 1
    running.end.set()
    until(lambda: queue.taken == 0)
    assert queue.run(lambda: 'alone', PIXELS, 0.9 * LONG, lambda: False) == 'alone'


def test_work_that_is_given_up_keeps_its_place_until_its_end(queue):
    job = Job(queue, seconds=0.2)
    assert job.started.wait(LONG)
    assert job.result() == 'too_slow'
    assert (queue.running, queue.taken) == (1, 1)
    job.end.set()
    until(lambda: queue.taken == 0)


def test_a_stop_ends_what_runs_and_turns_the_rest_away(queue, running, waiting):
    queue.stop()
    assert waiting.result() == 'stopping'
    assert refused(queue).code == 'stopping'
    running.end.set()
    assert running.result() == 'done'


def test_what_a_job_raises_reaches_who_asked(queue):
    with pytest.raises(ZeroDivisionError):
        queue.run(lambda: 1 // 0, PIXELS, LONG, lambda: False)
    until(lambda: queue.taken == 0)


def test_a_few_odd_jobs_do_not_shift_the_pace(queue):
    queue.paces.extend([1e-6, 2e-6, 3e-6, 2e-6, 2e-6])
    for pace in (100.0, 1e-12, 100.0, 1e-12):  # files that take minutes, and files that end at once
        queue.paces.append(pace)
        assert 1e-6 <= queue.seconds_a_pixel <= 3e-6


def test_a_job_that_fails_says_nothing_about_the_pace(queue):
    with pytest.raises(ZeroDivisionError):
        queue.run(lambda: 1 // 0, PIXELS, LONG, lambda: False)
    assert queue.seconds_a_pixel == 0
    queue.run(lambda: None, PIXELS, LONG, lambda: False)
    assert queue.seconds_a_pixel > 0
