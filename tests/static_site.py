"""A static server as anybody has one, for the folder that freeze_graph.py --format web writes."""

import functools
import http.server
import os
import socketserver
import threading


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; those whose path ends in `server.broken` are cut short."""

    def log_message(self, *values):
        """Says nothing."""

    def copyfile(self, source, outputfile):
        data = source.read()
        broken = self.server.broken and self.path.endswith(self.server.broken)
        self.server.asked.append(self.path)
        try:
            outputfile.write(data[:len(data) // 2] if broken else data)
        except ConnectionError:
            pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class Site:
    """The folder on a free port."""

    def __init__(self, folder):
        self.server = Server(('127.0.0.1', 0), functools.partial(Handler, directory=os.path.abspath(folder)))
        self.server.broken, self.server.asked = '', []
        self.url = 'http://127.0.0.1:%d/' % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Nobody answers any more."""
        self.server.shutdown()
        self.server.server_close()
