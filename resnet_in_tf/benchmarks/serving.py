"""Load on a running server: what its clients see, and whether its memory stays flat."""

import collections
import http.client
import re
import threading
import time
import urllib.parse

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images, sample

# Width to height of the photos: a server's memory is tried by sizes that change.
SHAPES = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9))
WARM_UP = 10.0  # seconds after which memory must not grow
SAMPLING = 0.1  # seconds between looks at memory
LONGEST_PAUSE = 5.0  # seconds after a 503

Answer = collections.namedtuple('Answer', 'status seconds')


def measure(url, clients, seconds, side):
    """Loads a server with clients that ask again as soon as they are answered.

    Args:
        url: address of the server, such as http://127.0.0.1:8080.
        clients: int, that ask at once.
        seconds: float, how long they start requests.
        side: int, long side of the photos in pixels.

    Returns:
        List of one dict, a row for tables.markdown. Status 0 is a broken connection.

    Raises:
        UserError: nobody answers at `url`, or it is no server of ours.
    """
    address = urllib.parse.urlsplit(url)
    if address.scheme != 'http' or not address.hostname:
        raise UserError('--url %s: an address such as http://127.0.0.1:8080' % url)
    photos, answers = make_photos(side), []
    resident_memory(address)
    started = time.monotonic()
    end = started + seconds
    threads = [threading.Thread(target=ask, args=(address, photos, number, end, answers), daemon=True)
               for number in range(clients)]
    for thread in threads:
        thread.start()
    memory = []  # (seconds since the start, bytes)
    while any(thread.is_alive() for thread in threads):
        memory.append((time.monotonic() - started, resident_memory(address)))
        threads[0].join(SAMPLING)
    for thread in threads:
        thread.join()
    return [row(answers, memory, time.monotonic() - started, clients)]


def row(answers, memory, elapsed, clients):
    """Sums up answers and samples of memory."""
    times = [answer.seconds for answer in answers if answer.status == 200]
    statuses = collections.Counter(answer.status for answer in answers)
    result = collections.OrderedDict([
        ('clients', clients), ('seconds', elapsed),
        ('answers', ', '.join('%d: %d' % item for item in sorted(statuses.items()))),
        ('pictures/s', len(times) / elapsed)])
    for percent in (50, 95, 99):
        result['%d %% (s)' % percent] = float(np.percentile(times, percent)) if times else None
    # Memory swings with each picture: its floor and its peak are compared, early and late.
    middle = WARM_UP + (elapsed - WARM_UP) / 2
    early = [size for moment, size in memory if WARM_UP < moment <= middle]
    late = [size for moment, size in memory if moment > max(middle, WARM_UP)]
    for name, extreme in (('floor', min), ('peak', max)):
        before, after = (extreme(sizes) if sizes else None for sizes in (early, late))
        result['memory %s (MB)' % name] = after / 1e6 if after else None
        result['%s growth after %g s (%%)' % (name, WARM_UP)] = (
            100.0 * (after / before - 1) if before and after else None)
    return result


def make_photos(side):
    """JPEGs of several shapes with a long side of `side` pixels."""
    photo = sample.photo()
    return [images.encode(images.resize(photo, side * width // max(width, height),
                                        side * height // max(width, height)), 'JPEG')
            for width, height in SHAPES]


def ask(address, photos, number, end, answers):
    """One client: photo after photo until `end`."""
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            photo = photos[number % len(photos)]
            status, headers, _ = request(address, 'POST', '/v1/stylize', photo)
        except (OSError, http.client.HTTPException):
            status, headers = 0, {}
        answers.append(Answer(status, time.monotonic() - started))
        number += 1
        if status != 200:
            pause = min(LONGEST_PAUSE, float(headers.get('Retry-After') or 1))
            time.sleep(max(0, min(pause, end - time.monotonic())))


def request(address, method, path, body=None):
    """One request on a connection of its own: (status, headers, body)."""
    connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=300)
    try:
        connection.request(method, path, body, {'Content-Type': 'image/jpeg'} if body else {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def resident_memory(address):
    """The server's resident memory in bytes, as its /metrics tells it."""
    try:
        text = request(address, 'GET', '/metrics')[2].decode('utf-8', 'replace')
    except (OSError, http.client.HTTPException) as error:
        raise UserError('--url %s: no answer (%s); serve.py starts a server'
                        % (address.geturl(), error)) from None
    found = re.search(r'^process_resident_memory_bytes (\S+)$', text, re.M)
    if not found:
        raise UserError('--url %s: its /metrics does not tell of memory; is it serve.py, on Linux?'
                        % address.geturl())
    return float(found.group(1))
