"""The processes that train one network together, as TF_CONFIG names them: the same flags, one end for all.

TensorFlow trains; here the workers find each other, compare what they were told, and learn that one of
them has died, which leaves TensorFlow waiting for ever. The chief listens on its own address until all have
come, and each worker keeps its connection to it: where a process ends, the system closes its own.
"""

import collections
import contextlib
import hashlib
import json
import os
import queue
import socket
import sys
import threading
import time

from resnet_in_tf import cli, files
from resnet_in_tf.errors import UserError

WAIT = 600  # seconds for the others to be started
# Seconds that a process has to end by itself after another was killed; after one that said why it ends,
# for which this one may have the same reason.
GRACE, LONG_GRACE = 3, 20
LONGEST = 2 ** 26  # bytes of a message

Cluster = collections.namedtuple('Cluster', 'addresses index')
Cluster.__doc__ = """What TF_CONFIG says: `host:port` of each process, the chief first; which this one is."""


def read_cluster(text):
    """Reads TF_CONFIG.

    Args:
        text: its value; None or empty where there is none.

    Returns:
        Cluster, or None.

    Raises:
        UserError: it is not such a text, or names what does not train.
    """
    if not text:
        return None
    try:
        config = files.parse_json(text)
        jobs, task = config['cluster'], config['task']
        others = sorted((set(jobs) | {task['type']}) - {'chief', 'worker'})
        if others:
            raise UserError('TF_CONFIG: train.py has chief and worker, and no %s' % others[0])
        addresses = jobs.get('chief', []) + jobs['worker']
        for address in addresses:
            int(address.rsplit(':', 1)[1])
        place = addresses.index(jobs[task['type']][task['index']])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UserError('TF_CONFIG: must be like {"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
                        '"task": {"type": "worker", "index": 0}} (%s: %s)'
                        % (type(error).__name__, error)) from error
    if len(addresses) == 1:
        raise UserError('TF_CONFIG: names one process alone: leave it out')
    if len(set(addresses)) < len(addresses):
        raise UserError('TF_CONFIG: two processes have one address')
    return Cluster(addresses, place)


def digest(value):
    """A short name of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode('ascii')).hexdigest()[:12]


class Peer:
    """Another process: its name, the connection to it, and what it has said."""

    def __init__(self, name, connection):
        self.name, self.connection, self.inbox = name, connection, queue.Queue()

    def send(self, message):
        """Sends a dict; one who has gone does not get it."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode('ascii') + b'\n')


class Team:
    """A context manager: inside, all processes are there; at its end each has come to its own.

    Args:
        cluster: Cluster, or None for one process alone.
        show: function of one line of text.

    Raises:
        UserError: not all have come, or one ended before its time.
    """

    def __init__(self, cluster, show=print):
        self.addresses, self.index = cluster or ([''], 0)
        self.show, self.peers, self.lost, self.lock = show, {}, None, threading.Lock()
        self.gone, self.over = threading.Event(), threading.Event()
        self.over.set()  # this process comes to its end by itself

    @property
    def is_chief(self):
        """Whether this process writes what a run leaves."""
        return not self.index

    @property
    def size(self):
        """How many processes there are: int."""
        return len(self.addresses)

    def name(self, index):
        """What a process is called in messages."""
        return '%s (%s)' % ('worker %d' % index if index else 'the chief', self.addresses[index])

    def __enter__(self):
        if self.size > 1:
            try:
                self.gather() if self.is_chief else self.join()
            except BaseException:
                self.close()
                raise
            for peer in self.peers.values():
                threading.Thread(target=self.listen, args=(peer,), daemon=True).start()
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            reason = ' '.join(str(error).split()) if isinstance(error, UserError) else kind.__name__
            for peer in self.peers.values():
                peer.send({'ended': reason})
        self.close()

    def close(self):
        """Closes the connections: to the others, this process has gone."""
        for peer in self.peers.values():
            with contextlib.suppress(OSError):
                peer.connection.shutdown(socket.SHUT_RDWR)
            peer.connection.close()

    def gather(self):
        """Takes a connection from every worker; the port is free again for TensorFlow then."""
        port = int(self.addresses[0].rsplit(':', 1)[1])
        with contextlib.closing(listener(port)) as server:
            self.show('Waiting for %d workers at %s' % (self.size - 1, self.addresses[0]))
            end = time.time() + WAIT
            while len(self.peers) < self.size - 1:
                server.settimeout(max(0.1, end - time.time()))
                try:
                    connection, _ = server.accept()
                except socket.timeout:
                    missing = [self.name(index) for index in range(1, self.size) if index not in self.peers]
                    raise UserError('%s did not come in %d seconds: start the same command there'
                                    % (', '.join(missing), WAIT)) from None
                hello = read_hello(connection)
                index = hello.get('index')
                if hello.get('addresses') == self.addresses and index not in self.peers and (
                        index in range(1, self.size)):
                    self.peers[index] = Peer(self.name(index), keep_alive(connection))
                else:
                    refusal = 'TF_CONFIG has other processes there, or this one twice'
                    Peer('', connection).send({'ended': refusal})
                    connection.close()

    def join(self):
        """Connects to the chief, which may be started later."""
        host, port = self.addresses[0].rsplit(':', 1)
        self.show('Worker %d of %d; the chief is %s' % (self.index, self.size, self.addresses[0]))
        end = time.time() + WAIT
        while True:
            try:
                connection = socket.create_connection((host.strip('[]'), int(port)), 10)
                break
            except OSError as error:
                if time.time() > end:
                    raise UserError('%s cannot be reached (%s): start the same command there'
                                    % (self.name(0), error.strerror or error)) from error
                time.sleep(0.3)
        connection.settimeout(None)
        self.peers[0] = Peer(self.name(0), keep_alive(connection))
        self.peers[0].send({'index': self.index, 'addresses': self.addresses})

    def listen(self, peer):
        """A thread for each peer: keeps what it says; sees it end."""
        reason = None
        try:
            with peer.connection.makefile('rb') as file:
                for line in iter(lambda: file.readline(LONGEST), b''):
                    message = files.parse_json(line)
                    if 'ended' in message:
                        reason = message['ended']
                        break
                    peer.inbox.put(message)
        except (OSError, ValueError):
            pass
        with self.lock:
            self.lost = self.lost or (
                '%s ended: %s' % (peer.name, reason) if reason else
                '%s is gone; the same command on all goes on from the last checkpoint' % peer.name)
        self.gone.set()
        peer.inbox.put(None)
        if not self.over.wait(LONG_GRACE if reason else GRACE):
            self.give_up()

    def give_up(self):
        """Ends this process, whose main thread waits inside TensorFlow for one who is gone."""
        with contextlib.suppress(Exception):
            self.on_loss()
        print('error: ' + self.lost, file=sys.stderr, flush=True)
        os._exit(cli.EXIT_UNUSABLE)

    def receive(self, peer):
        """The next message of a peer: dict; UserError where it is gone."""
        message = peer.inbox.get()
        if message is None:
            raise UserError(self.lost)
        return message

    def blame(self):
        """Raises UserError where an error of this process may come of another's end."""
        if self.size > 1 and self.gone.wait(GRACE):
            raise UserError(self.lost)

    def tell(self, value):
        """What the chief has to say, on each process: what JSON can hold; UserError where it is gone."""
        if not self.is_chief:
            return self.receive(self.peers[0])['value']
        for peer in self.peers.values():
            peer.send({'value': value})
        return value

    def agree(self, values, text):
        """Makes sure that all processes have the same values.

        Args:
            values: dict of name -> what JSON can hold.
            text: of the error, with {names}, {chief} and {worker}.

        Raises:
            UserError: they differ, everywhere; or a process is gone.
        """
        values = json.loads(json.dumps(values))
        if not self.is_chief:
            self.peers[0].send({'values': values})
        for peer in self.peers.values() if self.is_chief else ():
            theirs = self.receive(peer)['values']
            names = ['%s (%s and %s)' % (name, values.get(name), theirs.get(name))
                     for name in sorted(set(values) | set(theirs)) if values.get(name) != theirs.get(name)]
            if names:
                raise UserError(text.format(names=', '.join(names), chief=self.name(0), worker=peer.name))
        self.tell(None)

    def collect(self, items):
        """What all have, where their work ends: each item once, sorted, on the chief; else its own."""
        if not self.is_chief:
            self.peers[0].send({'items': sorted(items)})
            return sorted(items)
        return sorted(set(items).union(*[self.receive(peer)['items'] for peer in self.peers.values()]))

    @contextlib.contextmanager
    def watch(self, on_loss):
        """A block that works inside TensorFlow: where a peer goes, this process ends with one line.

        Args:
            on_loss: function that is called before.
        """
        self.on_loss = on_loss
        self.over.clear()
        try:
            if self.lost:
                raise UserError(self.lost)
            yield
        finally:
            self.over.set()


def read_hello(connection):
    """What a process says when it comes: dict, empty where it is none of ours."""
    connection.settimeout(5)
    text = b''
    try:
        while not text.endswith(b'\n') and len(text) < LONGEST:
            part = connection.recv(1)
            if not part:
                break
            text += part
        hello = files.parse_json(text)
    except (OSError, ValueError):
        hello = {}
    connection.settimeout(None)
    return hello if isinstance(hello, dict) else {}


def listener(port):
    """A socket that listens on every address of this machine."""
    error = None
    for family, host in ((socket.AF_INET6, '::'), (socket.AF_INET, '')):
        try:
            server = socket.socket(family, socket.SOCK_STREAM)
        except OSError as problem:
            error = problem
            continue
        try:
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((host, port))
            server.listen(128)
            return server
        except OSError as problem:
            server.close()
            error = problem
    raise UserError('TF_CONFIG: port %d of this machine, the chief, cannot be listened on (%s)'
                    % (port, error.strerror or error))


def keep_alive(connection):
    """Has the system find out, within half a minute, that the machine at the other end is gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (('TCP_KEEPIDLE', 10), ('TCP_KEEPINTVL', 5), ('TCP_KEEPCNT', 4)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection
