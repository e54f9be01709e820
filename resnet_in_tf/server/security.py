"""Who may ask: names that the server answers to, pages that may send it photos, and headers.

A page of another site that points its own name at this machine (DNS rebinding), or simply sends a
form here, acts with the visitor's access: neither is served unless it is named.
"""

import collections
import ipaddress
from urllib.parse import urlsplit

from resnet_in_tf.server import problems

# The page is of one piece with the server: it loads nothing from, and sends nothing to, others.
HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; "
                               "form-action 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
}

# Of a page that may run the network itself: WebAssembly, and threads, which only isolated pages are given.
WITH_DEVICE = dict(HEADERS, **{
    'Content-Security-Policy': HEADERS['Content-Security-Policy']
    + "; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' blob:",
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
})

ANY = '*'
SAFE = ('GET', 'HEAD', 'OPTIONS')  # change nothing, and pages of other sites do not see the answer
DEFAULT_PORTS = {'http': 80, 'https': 443}


class Access(collections.namedtuple('Access', 'hosts origins')):
    """The names that the server answers to, and the origins whose pages may use it, in lower case."""

    def check(self, environ):
        """Raises problems.Problem where a request is for another name or from another site.

        Args:
            environ: dict, the WSGI environment.
        """
        host = environ.get('HTTP_HOST')
        # Only HTTP/1.0 comes without a Host, and no browser speaks it.
        if host is not None and not is_allowed_host(host, environ['SERVER_NAME'], self.hosts):
            raise problems.forbidden_host(self.hosts)
        origin = environ.get('HTTP_ORIGIN')
        if environ['REQUEST_METHOD'] not in SAFE and origin is not None and not is_allowed_origin(
                origin, host or '', self.origins):
            raise problems.forbidden_origin()

    def shared_with(self, environ):
        """The headers by which a browser lets a page of a named origin see the answer, a dict."""
        origin = environ.get('HTTP_ORIGIN')
        if origin is None or not (ANY in self.origins or origin.lower() in self.origins):
            return {}
        headers = {'Access-Control-Allow-Origin': origin, 'Vary': 'Origin'}
        if environ['REQUEST_METHOD'] == 'OPTIONS':
            headers.update({'Access-Control-Allow-Methods': 'GET, POST',
                            'Access-Control-Allow-Headers': 'Content-Type'})
        return headers


def split_host(text):
    """Takes 'name', 'name:80' or '[::1]:80' apart.

    Args:
        text: str.

    Returns:
        (name in lower case, port or None).

    Raises:
        ValueError: not such a thing.
    """
    if not text or text != text.strip() or set(text) & set('/?#@\\,'):
        raise ValueError('not a host: %r' % text[:80])
    parts = urlsplit('//' + text)
    if not parts.hostname:
        raise ValueError('not a host: %r' % text[:80])
    return parts.hostname.rstrip('.'), parts.port


def is_loopback(name):
    """Whether a name or address can only mean this machine."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == 'localhost' or name.endswith('.localhost')


def is_allowed_host(text, own_address, allowed):
    """Whether the server answers to a Host header.

    Args:
        text: str, the header.
        own_address: str, the address at which the connection came in: no name can stand for it.
        allowed: names and addresses in lower case, or '*' for any.

    Returns:
        bool.
    """
    try:
        name, _ = split_host(text)
    except ValueError:
        return False
    return ANY in allowed or is_loopback(name) or name in allowed or name == own_address.split('%')[0]


def is_allowed_origin(origin, host, allowed):
    """Whether a page of that origin may send photos.

    Args:
        origin: str, the Origin header.
        host: str, the Host header.
        allowed: origins such as 'https://example.org' in lower case, or '*' for any.

    Returns:
        bool, True where the page is the server's own or is named.
    """
    if ANY in allowed or origin.lower() in allowed:
        return True
    scheme, _, authority = origin.partition('://')
    port = DEFAULT_PORTS.get(scheme.lower())
    try:
        ours, theirs = split_host(host), split_host(authority)
    except ValueError:
        return False
    return port is not None and ours[0] == theirs[0] and (ours[1] or port) == (theirs[1] or port)
