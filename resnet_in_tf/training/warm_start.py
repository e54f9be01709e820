"""Training that begins with a frozen network: further styles for all rows, or one new row alone."""

import collections

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import load
from resnet_in_tf.network import frozen, predictor, rows
from resnet_in_tf.network.interface import IDENTITY
from resnet_in_tf.network.layers import PALETTES
from resnet_in_tf.pictures.palette import NUMBERS, palette_of_picture
from resnet_in_tf.training import config
from resnet_in_tf.training.distribution import copies, name_of

TABLES = ('/gamma', '/beta', '/table')  # variables with a row for each style
BASE = {'resnet_any': 'resnet_in'}  # systems whose layers are those of another, and can begin with its

Start = collections.namedtuple('Start', 'style_names rows variables styles system width encoder')
Start.__doc__ = """How a run begins.

Fields:
    style_names: names of all rows of the network; the last is `identity`.
    rows: the row of each painting that is trained, then that of `identity`.
    variables: dict name -> float32 array to begin with; empty for a new network.
    styles: what is known of each painting, a list of dicts, for rows that are not trained here.
    system, width: of the generator.
    encoder: checksum of what shows paintings to the network's style predictor; None where it has none.
"""


def new_network(names, system, width):
    """The Start of a network that is made from nothing."""
    style_names = list(names) + [IDENTITY]
    return Start(style_names, list(range(len(style_names))), {}, [], system, width, None)


def from_network(path, names, add, system=None, width=None):
    """The Start of a run that begins with a frozen network.

    A style that the network knows keeps its row; a new one begins with the mean of the others'.

    Args:
        path: a .pb of freeze_graph.py.
        names: styles to train.
        add: whether they are added to the network's own, which then stay as they are.
        system, width: what the flags say of the network, None for nothing.

    Returns:
        Start.

    Raises:
        UserError: the file is no such network or is contradicted, or a style to add is in it.
    """
    graph_def, known, card = frozen.read_graph(path)
    # Cards of before these settings were there name neither.
    training = dict({name: config.default(name) for name in ('system', 'width')}, **card.get('training', {}))
    known_system = training['system']
    if system in BASE and BASE[system] == known_system and not add:
        known_system = system
    for flag, given, own in (('system', system, known_system),
                             ('width', width, training['width'])):
        if given is not None and given != own:
            raise UserError('--%s %s contradicts --from %s, whose %s is %s: leave --%s out'
                            % (flag, given, path, flag, own, flag))
    if add:
        doubled = [name for name in names if name in known]
        if doubled:
            raise UserError('--add_style: %s has a style %r already; rename the file'
                            % (path, doubled[0]))
        style_names = known[:-1] + list(names) + [IDENTITY]
    else:
        style_names = list(names) + [IDENTITY]
    variables = {name: with_rows(value, known, style_names)
                 if name.endswith(TABLES) else value
                 for name, value in frozen.read_variables(graph_def).items()}
    trained = [style_names.index(name) for name in list(names) + [IDENTITY]]
    return Start(style_names, trained, variables, card.get('styles', []) if add else [],
                 known_system, training['width'], card.get('predictor', {}).get('checksum'))


def with_rows(table, known, style_names):
    """A table [S, C], such as gamma, with its rows in the order of other style names.

    Args:
        table: float32 [len(known), C].
        known, style_names: lists of str; the last is `identity`.

    Returns:
        float32 [len(style_names), C]; a new style's row is the mean of the known styles'.
    """
    mean = table[:-1].mean(axis=0)
    return np.stack([table[known.index(name)] if name in known else mean for name in style_names])


def has_predictor(start):
    """Whether the network that a run begins with has a style predictor."""
    return predictor.MEAN in start.variables


def without_predictor(start):
    """A Start with the generator's variables alone."""
    return start._replace(variables={name: value for name, value in start.variables.items()
                                     if not name.startswith(predictor.SCOPE + '/')})


def with_rows_of(start, made):
    """A Start whose paintings begin with given rows.

    Args:
        start: Start.
        made: float32 [len(start.rows) - 1, R], in the order of generator.split_row.
    """
    variables = dict(start.variables)
    for place, row in zip(start.rows, made):
        for name, part in rows.parts_of(row, start.width).items():
            variables[name] = np.array(variables[name])
            variables[name][place] = part
    return start._replace(variables=variables)


def with_palettes(start, paintings):
    """The table of palettes that a run begins with: closed forms of its paintings, and the network's others.

    Args:
        start: Start.
        paintings: list of uint8 [H, W, 3], those of `start.rows` but the last.

    Returns:
        float32 [S, 9].
    """
    table = np.array(start.variables.get(PALETTES, np.zeros([len(start.style_names), NUMBERS], np.float32)))
    table[start.rows[:-1]] = [palette_of_picture(painting) for painting in paintings]
    return table


def check_fit(variables, values, path):
    """Raises UserError where a network to begin with does not fit the generator, variable by variable.

    Args:
        variables: the generator's tf.Variables.
        values: dict name -> numpy array.
        path: where the values are from, for the message.
    """
    # A generator may get a predictor that begins from nothing.
    whole = any(name.startswith(predictor.SCOPE + '/dense') for name in values)
    shapes = {name_of(variable): tuple(variable.shape.as_list()) for variable in variables
              if whole or not name_of(variable).startswith(predictor.SCOPE + '/')}
    values = {name: value for name, value in values.items()
              if whole or not name.startswith(predictor.SCOPE + '/')}
    wrong = (['%s is missing' % name for name in sorted(set(shapes) - set(values))]
             + ['%s has no place' % name for name in sorted(set(values) - set(shapes))]
             + ['%s is %s and should be %s' % (name, values[name].shape, shapes[name])
                for name in sorted(set(shapes) & set(values)) if values[name].shape != shapes[name]])
    if wrong:
        raise UserError('--from %s does not fit this network: %s' % (path, '; '.join(wrong)))


def assign(variables, values, session):
    """Gives variables the values that `check_fit` found right."""
    given = [(copy, values[name_of(variable)]) for variable in variables for copy in copies(variable)]
    if given:
        load(*zip(*given), session=session)
