"""Who is blamed when a worker dies: by a Ray that is played, in an order that real ones show now and then."""

import itertools
import types

from resnet_in_tf.cluster import crew, run
from resnet_in_tf.cluster.listing import Picture


class Error(Exception):
    """Of Ray."""


class TaskError(Error):
    """Of a task."""


class Method:
    """An actor's method: what is called waits in the Stage."""

    def __init__(self, stage, worker, name):
        self.stage, self.worker, self.name = stage, worker, name

    def options(self, **_):
        return self

    def remote(self, *arguments):
        return self.stage.call(self.worker, self.name, arguments)


class Stage:
    """Ray and two workers: paints all at once, and dies over a picture called poison.

    A worker that dies takes the answers along that it has not sent yet.
    """

    exceptions = types.SimpleNamespace(RayError=Error, RayTaskError=TaskError)

    def __init__(self):
        self.workers, self.opening, self.opened = [], {}, True
        self.numbers = itertools.count()
        self.ray, self.answers, self.groups, self.painted, self.killers = self, {}, {}, [], []

    def fill(self):
        while len(self.workers) < 2:
            worker = crew.Worker(None, 'node')
            worker.actor = types.SimpleNamespace(prepare=Method(self, worker, 'prepare'),
                                                 paint=Method(self, worker, 'paint'))
            worker.ready = True
            self.workers.append(worker)

    def call(self, worker, name, arguments):
        if name == 'prepare':
            number, pictures, _ = arguments
            self.groups[number] = pictures
            answer = ([], [], [])
        else:
            names = [picture.name for picture in self.groups[arguments[0]]]
            if 'poison' in names:
                self.killers.append(names)
                for key, (each, _) in list(self.answers.items()):
                    if each is worker:
                        self.answers[key] = worker, Error()
                answer = Error()
            else:
                self.painted += names
                answer = [(each, None) for each in names], []
        key = next(self.numbers)
        self.answers[key] = worker, answer
        return key

    def wait(self, answers, num_returns, timeout):
        return answers[:1], answers[1:]

    def get(self, answer):
        value = self.answers.pop(answer)[1]
        if isinstance(value, Exception):
            raise value
        return value

    def lose(self, worker):
        self.workers.remove(worker)


def test_only_the_picture_that_kills_is_left_out_though_answers_of_others_are_lost():
    names = ['p%d' % number for number in range(30)]
    names[11] = 'poison'
    pictures = [Picture(name, name, 1) for name in names]
    stage, failed, ended = Stage(), [], []
    summary = run.Run(stage, (pictures[start:start + 4] for start in range(0, 30, 4)), ended.append,
                      lambda name, reason: failed.append(name)).run()
    assert failed == ['poison'] and summary[:2] == (29, 0) and sum(ended) == 30
    assert set(stage.painted) == set(names) - {'poison'}
    assert len(stage.killers) == summary.lost == 2 and stage.killers[1] == ['poison']


def test_what_a_worker_has_to_say_of_a_film_is_told():
    stage, notes = Stage(), []
    stage.on_note, get = notes.append, stage.get

    def with_notes(answer):
        value = get(answer)
        return value if len(value) == 3 else (value[0], ['%s: cut short' % value[0][0][0]])
    stage.get = with_notes
    summary = run.Run(stage, iter([[Picture('a.mp4', 'a.mp4', 1)]]), lambda count: None, None).run()
    assert summary[:2] == (1, 0) and notes == ['a.mp4: cut short']
