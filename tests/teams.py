"""Several processes that train together, on loopback."""

import socket
import threading

from resnet_in_tf.errors import UserError
from resnet_in_tf.training import team


def free_addresses(count):
    """Addresses that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(('127.0.0.1', 0))
        return ['localhost:%d' % each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def together(addresses, act):
    """Runs act(Team) as each process, in threads: what each returned, or its UserError."""
    found = {}

    def run(index):
        try:
            with team.Team(team.Cluster(addresses, index), lambda line: None) as crew:
                found[index] = act(crew)
        except UserError as error:
            found[index] = error
    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(addresses))]
    for thread in threads[1:] + threads[:1]:  # the chief comes last
        thread.start()
    for thread in threads:
        thread.join(60)
    return [found[index] for index in range(len(addresses))]
