"""What the server counts, for Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

SECONDS = (.05, .1, .25, .5, 1, 2.5, 5, 10, 25, 60)


class Metrics:
    """Counts requests and looks at the queue when it is asked.

    Args:
        queue: jobs.JobQueue.
    """

    def __init__(self, queue):
        # A registry of its own: two servers in one process do not meet.
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter('resnet_in_requests', 'Requests by route and status; 499 is a '
                                'client that went away.', ['route', 'status'],
                                registry=self.registry)
        self.request_seconds = Histogram('resnet_in_request_seconds', 'From a whole upload to the '
                                         'answer, waiting included.', ['route'], buckets=SECONDS,
                                         registry=self.registry)
        self.work_seconds = Histogram('resnet_in_work_seconds', 'Decoding, network and encoding '
                                      'of one picture.', buckets=SECONDS, registry=self.registry)
        for name, words, attribute in (
                ('resnet_in_running', 'Pictures in work.', 'running'),
                ('resnet_in_waiting', 'Pictures that wait for their turn.', 'waiting')):
            gauge = Gauge(name, words, registry=self.registry)
            gauge.set_function(lambda attribute=attribute: getattr(queue, attribute))

    def count(self, route, status, seconds):
        """Notes one answered request."""
        self.requests.labels(route, str(status)).inc()
        self.request_seconds.labels(route).observe(seconds)

    def count_refusal(self, status):
        """Notes one request that was refused before the application."""
        self.requests.labels('none', str(status)).inc()

    def text(self):
        """The Prometheus text format, bytes."""
        return generate_latest(self.registry)
