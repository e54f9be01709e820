"""The API as an OpenAPI 3.0 document."""

from resnet_in_tf import __version__
from resnet_in_tf.server.parameters import FORMATS, PARAMETERS

PROBLEMS = {
    400: 'A parameter is unknown or out of range, or the form is none.',
    403: "Asked for by a name that is not the server's, or by a page of another site.",
    408: 'The request did not come to its end in time.',
    413: 'The upload is too large.',
    415: 'The upload has a Content-Encoding.',
    422: 'A picture is no JPEG or PNG, damaged, or too large; or the size asked for is.',
    431: 'The address or the headers are too long.',
    499: None,
    500: 'The server failed.',
    503: 'All places are taken, or the server is stopping. `Retry-After` says when to come back.',
    504: 'Out of time.',
}


def document(limits):
    """Builds the document.

    Args:
        limits: restyling.Limits.

    Returns:
        dict that JSON can hold.
    """
    photo = {'type': 'string', 'format': 'binary', 'description':
             'A JPEG or PNG file of at most %d bytes and %d pixels.'
             % (limits.max_upload, limits.max_pixels)}
    fields = {name: _schema(known) for name, known in PARAMETERS.items()}
    paintings = {'type': 'array', 'maxItems': limits.style_images, 'items': photo, 'description':
                 'Pictures as styles, alone or in a mix with `style`. A server takes as many as '
                 '`limits.style_images` of /v1/styles says, which is 0 where its network makes no style '
                 'from a picture.'}
    masks = {'type': 'array', 'maxItems': limits.masks, 'items': photo, 'description':
             'Where the style is painted: white there, black elsewhere, grey for a share. A server takes as '
             'many as `limits.masks` of /v1/styles says.'}
    multipart = {'schema': {'type': 'object', 'required': ['photo'],
                            'properties': dict(fields, photo=photo, style_image=paintings, mask=masks)}}
    stylize = {
        'summary': 'Restyles a photo', 'operationId': 'stylize',
        'description': 'The photo is the field `photo` of a form, or the body itself. Parameters '
                       'go into the address or, with a form, into fields.',
        'parameters': [{'name': name, 'in': 'query', 'description': known.description,
                        'schema': _schema(known, described=False)}
                       for name, known in PARAMETERS.items()],
        'requestBody': {'required': True, 'content': dict(
            {mime: {'schema': photo} for mime in FORMATS.values()},
            **{'multipart/form-data': multipart})},
        'responses': dict(
            {str(status): _problem(words) for status, words in PROBLEMS.items() if words},
            **{'200': {'description': 'The restyled photo.', 'content': {
                mime: {'schema': {'type': 'string', 'format': 'binary'}}
                for mime in FORMATS.values()}}})}
    thumbnail = _get('A picture in one style', 'The thumbnail.', 'image/jpeg',
                     {'type': 'string', 'format': 'binary'})
    thumbnail['parameters'] = [{'name': 'number', 'in': 'path', 'required': True,
                                'schema': {'type': 'integer', 'minimum': 1}}]
    thumbnail['responses']['404'] = _problem('There is no such style.')
    return {
        'openapi': '3.0.3',
        'info': {'title': 'resnet_in_tf', 'version': __version__,
                 'description': 'Style transfer in one pass.'},
        'paths': {
            '/v1/stylize': {'post': stylize},
            '/v1/styles': {'get': _get('Styles and limits', 'What this server can do.',
                                       'application/json', STYLES)},
            '/v1/styles/{number}/thumbnail': {'get': thumbnail},
            '/healthz': {'get': _health()},
            '/metrics': {'get': _get('Counters', 'Prometheus text.', 'text/plain',
                                     {'type': 'string'})},
            '/openapi.json': {'get': _get('This document', 'OpenAPI 3.0.', 'application/json',
                                          {'type': 'object'})},
        },
        'components': {'schemas': {'Problem': PROBLEM}},
    }


PROBLEM = {'type': 'object', 'required': ['error'], 'properties': {'error': {
    'type': 'object', 'required': ['code', 'message'], 'properties': {
        'code': {'type': 'string', 'description': 'A name for programs.'},
        'message': {'type': 'string', 'description': 'What is wrong, and what to do.'}}}}}

STYLES = {'type': 'object', 'required': ['styles', 'device', 'limits'], 'properties': {
    'device': {'type': 'string', 'description': 'Address under which a page finds the same network, to run '
               'it itself: site.json tells its files. Empty where the server offers none.'},
    'styles': {'type': 'array', 'items': {
        'type': 'object', 'required': ['number', 'name', 'thumbnail'], 'properties': {
            'number': {'type': 'integer'}, 'name': {'type': 'string'},
            'thumbnail': {'type': 'string', 'description': 'Address of a JPEG.'}}}},
    'limits': {'type': 'object', 'required': ['upload_bytes', 'photo_pixels', 'result_pixels', 'seconds',
                                              'style_images', 'style_image_side', 'masks'], 'properties': {
        'upload_bytes': {'type': 'integer', 'description': 'Of a request, all its pictures together.'},
        'photo_pixels': {'type': 'integer'}, 'result_pixels': {'type': 'integer'},
        'seconds': {'type': 'number'},
        'style_images': {'type': 'integer', 'description': 'Pictures as styles that a request may have.'},
        'masks': {'type': 'integer', 'description': 'Masks that a request may have.'},
        'style_image_side': {'type': 'integer', 'description':
                             'Pixels: the long side that larger ones are brought to.'}}}}}


def _schema(known, described=True):
    schema = dict(known.schema)
    if known.default:
        schema['default'] = {'number': float, 'integer': int, 'string': str,
                             'boolean': 'true'.__eq__}[schema['type']](known.default)
    if described:
        schema['description'] = known.description
    return schema


def _problem(words):
    return {'description': words, 'content': {'application/json': {
        'schema': {'$ref': '#/components/schemas/Problem'}}}}


def _get(summary, words, mime, schema):
    return {'summary': summary, 'responses': {'200': {
        'description': words, 'content': {mime: {'schema': schema}}}}}


def _health():
    health = _get('Whether the server takes requests', 'It does.', 'application/json',
                  {'type': 'object', 'properties': {'status': {'type': 'string'}}})
    health['responses']['503'] = _problem('It is stopping.')
    return health
