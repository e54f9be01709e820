"""What can go wrong with a request, as a status and one JSON body that says what to do."""

import json


class Problem(Exception):
    """An answer that is not a picture.

    Args:
        status: int, HTTP status.
        code: str, a name for programs.
        message: str for people: what is wrong, and what to do.
        retry_after: int, seconds, or None.
    """

    def __init__(self, status, code, message, retry_after=None):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = {} if retry_after is None else {'Retry-After': str(retry_after)}

    def body(self):
        """The JSON body, str."""
        return json.dumps({'error': {'code': self.code, 'message': self.message}}) + '\n'


def upload_too_large(limits):
    """The problem of a request body beyond the limit."""
    return Problem(413, 'upload_too_large', 'the upload is larger than %.4g MB; send a smaller '
                   'file: fewer pixels, or JPEG instead of PNG' % (limits.max_upload / 1e6))


def picture(reason, limits):
    """The problem of a photo that is not read."""
    return Problem(422, 'unusable_picture', '%s. Send a whole JPEG or PNG of at most %.4g million '
                   'pixels' % (reason, limits.max_pixels / 1e6))


def result_too_large(width, height, largest):
    """The problem of a `size` beyond what the server makes."""
    return Problem(422, 'result_too_large', 'size: the result would have %dx%d pixels, more than '
                   'this server makes; for this photo ask for size=%d or less'
                   % (width, height, largest))


def parameter(reason):
    """The problem of a parameter that is unknown or has a wrong value."""
    return Problem(400, 'bad_parameter', reason)


def busy(seconds):
    """The problem of a full queue."""
    return Problem(503, 'busy', 'all places are taken; try again in %d s' % seconds, seconds)


def stopping():
    """The problem of a server on its way down."""
    return Problem(503, 'stopping', 'the server is stopping; try again in a moment', 5)


def too_slow(seconds):
    """The problem of a request that ran out of time."""
    return Problem(504, 'too_slow', 'not done within %g s; ask for a smaller size, or try again '
                   'when the server is less busy' % seconds)


def gone():
    """Stands for a client that left; nobody reads it, the metrics count it."""
    return Problem(499, 'client_gone', 'the client went away')


def http(error):
    """The problem that one of Werkzeug's HTTP errors stands for."""
    advice = {404: 'no such address; /openapi.json lists what there is',
              405: 'this address does not take that method; /openapi.json lists what it takes'}
    return Problem(error.code, error.name.lower().replace(' ', '_'),
                   advice.get(error.code, error.description))


def internal():
    """The problem that is a bug of ours."""
    return Problem(500, 'internal', 'the server failed; its log says more')
