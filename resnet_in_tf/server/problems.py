"""What can go wrong with a request, as a status and one JSON body that says what to do."""

import json

MESSAGE = 2000  # characters at most: what a client sent does not come back as a flood


class Problem(Exception):
    """An answer that is not a picture.

    Args:
        status: int, HTTP status.
        code: str, a name for programs.
        message: str for people: what is wrong, and what to do.
        retry_after: int, seconds, or None.
    """

    def __init__(self, status, code, message, retry_after=None):
        if len(message) > MESSAGE:
            message = message[:MESSAGE] + '...'
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
    """The problem of a photo or a style image that is not read."""
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


def form(reason):
    """The problem of a form that cannot be taken apart."""
    return Problem(400, 'bad_form', 'the form cannot be read: %s. Send multipart/form-data with the '
                   'photo as the file photo, or the photo alone as the body' % reason)


def bad_request(status, reason):
    """The problem of what is not HTTP, or not the part of it that is taken."""
    return Problem(status, {431: 'request_header_fields_too_large', 501: 'not_implemented'}.get(
        status, 'bad_request'), 'not a request that this server reads: %.200s' % reason)


def encoded_upload():
    """The problem of a compressed upload: it saves nothing, and a small one could unpack to gigabytes."""
    return Problem(415, 'unsupported_encoding', 'send the photo as it is, without Content-Encoding')


def too_slow_upload():
    """The problem of a request that does not come to its end."""
    return Problem(408, 'too_slow_upload', 'the request took too long to arrive; send a smaller photo')


def forbidden_host(allowed):
    """The problem of a request for a name that is not this server's."""
    return Problem(403, 'forbidden_host', 'this server does not answer to that Host, but to localhost%s; '
                   'its flag --allowed_hosts adds names' % ''.join(', ' + name for name in allowed))


def forbidden_origin():
    """The problem of a photo sent by a page of another site."""
    return Problem(403, 'forbidden_origin', 'pages of other sites may not send photos here, unless '
                   "the server's flag --allow_origin names them")


def no_memory():
    """The problem of a picture for which there is no memory now."""
    return Problem(503, 'no_memory', 'not enough memory now; ask for a smaller size, or try again '
                   'in 5 s', 5)


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
