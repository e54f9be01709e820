"""Steps side by side: one works in a thread ahead of who takes what it makes, with bounded room between."""

import queue
import threading

LOOK = 0.1  # seconds after which a step that waits for room sees that nobody wants more
GRACE = 1  # seconds for a step to end; what runs a network cannot be interrupted


def ahead(items, depth):
    """Has an iterator run in a thread of its own.

    Args:
        items: iterator; closed in that thread when it is done with.
        depth: int, how many items it may be ahead.

    Yields:
        Its items, in order.

    Raises:
        Exception: what the iterator raises, in its place.
    """
    room, stop = queue.Queue(depth), threading.Event()

    def put(item):
        while not stop.is_set():
            try:
                return room.put(item, timeout=LOOK)
            except queue.Full:
                pass

    def work():
        error = None
        try:
            for item in items:
                put((item, None))
                item = None  # not held while the next is made
                if stop.is_set():
                    break
        except BaseException as raised:
            error = raised
        finally:
            if hasattr(items, 'close'):
                items.close()
            put((None, error or StopIteration()))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = room.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
            item = None
    finally:
        stop.set()
        thread.join(GRACE)
