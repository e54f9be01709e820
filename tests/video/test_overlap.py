"""Steps side by side: in order, bounded, with their errors, and ended when nobody wants more."""

import threading
import time

import pytest

from resnet_in_tf.video.overlap import ahead


def test_items_come_in_order_and_errors_in_their_place():
    def items():
        for number in range(5):
            yield number
        raise ValueError('six')

    taken = []
    with pytest.raises(ValueError, match='six'):
        for item in ahead(items(), 2):
            taken.append(item)
    assert taken == list(range(5))
    assert list(ahead(ahead(iter(range(100)), 1), 1)) == list(range(100))


def test_it_is_no_further_ahead_than_it_may():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    taking = ahead(items(), 2)
    assert next(taking) == 0
    time.sleep(0.3)
    assert 3 <= len(made) <= 4  # one taken, two wait, one looks for room
    taking.close()


def test_who_stops_taking_ends_the_step_and_closes_it():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    taking = ahead(items(), 1)
    next(taking)
    taking.close()
    assert closed.wait(5) and threading.active_count() == before
