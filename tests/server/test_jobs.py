"""The queue with a bound: who runs, who waits, who is turned away. No clock decides anything."""

import threading

import pytest

from resnet_in_tf.server.jobs import Places
from resnet_in_tf.server.problems import Problem

LONG = 60.0
PIXELS = 1000000


class Job:
    """A job that runs until it is told to end."""

    def __init__(self, places, seconds=LONG):
        self.started, self.end, self.left = threading.Event(), threading.Event(), threading.Event()
        self.answer = None
        self.thread = threading.Thread(target=self.ask, args=(places, seconds))
        self.thread.start()

    def ask(self, places, seconds):
        try:
            self.answer = places.run(self.work, PIXELS, seconds, self.left.is_set)
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
def places():
    places = Places(workers=1, waiting=1)
    yield places
    places.pool.shutdown()


@pytest.fixture
def running(places):
    job = Job(places)
    assert job.started.wait(LONG)
    yield job
    job.end.set()
    job.result()


@pytest.fixture
def waiting(places, running):
    job = Job(places)
    until(lambda: places.waiting == 1)
    yield job
    job.end.set()
    running.end.set()
    job.result()


def refused(places, seconds=LONG):
    with pytest.raises(Problem) as caught:
        places.run(lambda: None, PIXELS, seconds, lambda: False)
    return caught.value


def test_past_the_bound_the_answer_is_503_with_a_time_to_come_back(places, waiting):
    problem = refused(places)
    assert (problem.status, problem.code) == (503, 'busy')
    assert 1 <= int(problem.headers['Retry-After']) <= 60


def test_the_next_in_line_runs_when_one_is_done(places, running, waiting):
    assert not waiting.started.is_set()
    running.end.set()
    waiting.end.set()
    assert (running.result(), waiting.result()) == ('done', 'done')
    until(lambda: places.taken == 0)


def test_a_client_that_leaves_the_queue_frees_its_place(places, running, waiting):
    waiting.left.set()
    assert waiting.result() == 'client_gone'
    assert (places.waiting, places.taken) == (0, 1)
    assert not waiting.started.is_set()


def test_time_that_runs_out_in_the_queue_is_504_and_frees_the_place(places, running):
    problem = refused(places, seconds=0.01)
    assert (problem.status, problem.code) == (504, 'too_slow')
    assert places.taken == 1


def test_who_could_not_be_done_in_time_is_turned_away_at_once(places, running):
    places.seconds_a_pixel = LONG / PIXELS  # as slow as that
    problem = refused(places, seconds=1.5 * LONG)
    assert (problem.status, problem.code) == (503, 'busy')
    assert places.taken == 1
    running.end.set()
    until(lambda: places.taken == 0)
    assert places.run(lambda: 'alone', PIXELS, 0.9 * LONG, lambda: False) == 'alone'


def test_work_that_is_given_up_keeps_its_place_until_its_end(places):
    job = Job(places, seconds=0.2)
    assert job.started.wait(LONG)
    assert job.result() == 'too_slow'
    assert (places.running, places.taken) == (1, 1)
    job.end.set()
    until(lambda: places.taken == 0)


def test_a_stop_ends_what_runs_and_turns_the_rest_away(places, running, waiting):
    places.stop()
    assert waiting.result() == 'stopping'
    assert refused(places).code == 'stopping'
    running.end.set()
    assert running.result() == 'done'


def test_what_a_job_raises_reaches_who_asked(places):
    with pytest.raises(ZeroDivisionError):
        places.run(lambda: 1 // 0, PIXELS, LONG, lambda: False)
    until(lambda: places.taken == 0)
