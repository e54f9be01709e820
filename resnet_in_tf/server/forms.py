"""multipart/form-data, of which Werkzeug's reader has known holes on Python 3.6 and 3.7.

The body lies in memory as a whole, so that finding its parts is one linear search.
"""

import collections

from werkzeug.http import parse_options_header

from resnet_in_tf.server import problems

PARTS = 28  # there are twelve fields, up to eight style images and up to four masks
HEADER_BYTES = 4096  # of one part

Part = collections.namedtuple('Part', 'name is_file data')


def parts(body, content_type):
    """Takes a form apart.

    Args:
        body: bytes.
        content_type: str, the header with its boundary.

    Returns:
        List of Part; data are bytes.

    Raises:
        problems.Problem: not such a form, or with too many parts.
    """
    boundary = _options(content_type)[1].get('boundary') or ''
    if not 1 <= len(boundary) <= 70:
        raise problems.form('its Content-Type has no boundary of 1 to 70 characters')
    line = b'\r\n--' + boundary.encode('latin-1', 'replace')
    pieces = (b'\r\n' + body if body.startswith(line[2:]) else body).split(line, PARTS + 2)
    if len(pieces) > PARTS + 2:
        raise problems.form('it has more than %d parts' % PARTS)
    if len(pieces) < 2 or not pieces[-1].startswith(b'--'):
        raise problems.form('it is cut short, or its boundary is another than its Content-Type says')
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece):
    head, blank, data = piece.partition(b'\r\n\r\n')
    if not blank or len(head) > HEADER_BYTES:
        raise problems.form('a part has no headers, or too long ones')
    for line in head.split(b'\r\n'):
        name, _, value = line.decode('utf-8', 'replace').partition(':')
        if name.strip().lower() == 'content-disposition':
            kind, options = _options(value.strip())
            if kind == 'form-data' and 'name' in options:
                return Part(options['name'], 'filename' in options, data)
    raise problems.form('a part has no name')


def _options(value):
    try:
        return parse_options_header(value)
    except (LookupError, ValueError):  # a charset that there is not, and the like
        return '', {}
