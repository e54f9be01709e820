"""The table of settings: bounds, kinds, defaults by loss network, and flags made from it."""

import ast
import functools
import os

import pytest
import running
from absl import flags as absl_flags

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation.report.options import SETTINGS as REPORT
from resnet_in_tf.perceptual.loss_defaults import LOSS_DEFAULTS
from resnet_in_tf.training.config import (
    BY_NAME,
    FREE_ON_RESUME,
    LEAST_STEPS,
    SETTINGS,
    define_flags,
    resolve,
    steps_by_default,
)

NUMBERS = [setting for setting in SETTINGS if setting.kind in (int, float)]


def named(setting):
    return setting.name


@pytest.mark.parametrize('setting', NUMBERS, ids=named)
def test_a_number_at_its_bounds_is_taken_and_one_beyond_them_is_named(setting):
    step = 1 if setting.kind is int else 1e-6
    for bound, beyond, words in ((setting.least, -step, 'or more'), (setting.most, step, 'or less')):
        if bound is None:
            continue
        assert resolve({setting.name: bound})[setting.name] == bound
        with pytest.raises(UserError, match='^--%s .*%s$' % (setting.name, words)):
            resolve({setting.name: bound + beyond})


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf'), 1e39, -1e39, 10 ** 400,
                                   'many', True, [1]])
@pytest.mark.parametrize('setting', NUMBERS, ids=named)
def test_what_float32_cannot_hold_or_is_no_number_is_one_line(setting, value):
    with pytest.raises(UserError, match='^--%s .*: it must be a (whole|finite) number$' % setting.name):
        resolve({setting.name: value})


@pytest.mark.parametrize('setting', NUMBERS, ids=named)
def test_every_number_has_a_least_value_and_every_count_a_most(setting):
    assert setting.least is not None and (setting.kind is float or setting.most is not None)


def test_whole_numbers_stay_whole():
    assert type(resolve({'batch_size': 4.0})['batch_size']) is int
    assert type(resolve({'style_weight': 4})['style_weight']) is float
    with pytest.raises(UserError, match='^--batch_size 1.5: it must be a whole number$'):
        resolve({'batch_size': 1.5})


@pytest.mark.parametrize('name, value', [('impl', 'gpu'), ('style_layers', 'relu1_1'), ('bfloat16', 'no'),
                                         ('style_layers', [1]), ('system', 3), ('vgg_weights', 7)])
def test_a_value_of_the_wrong_kind_is_one_line(name, value):
    with pytest.raises(UserError, match='^--%s ' % name):
        resolve({name: value})


def test_a_setting_that_there_is_not_is_a_bug():
    with pytest.raises(TypeError, match='no setting is called stile_weight'):
        resolve({'stile_weight': 1.0, 'batch_size': 2})


@pytest.mark.parametrize('weights, kind', [
    ('imagenet', 'imagenet'), ('hed', 'hed'), ('random', 'random'), ('random:3', 'random'),
    ('folder/vgg.h5', 'imagenet')])
def test_the_loss_network_fills_in_what_is_not_given(weights, kind):
    config = resolve({'vgg_weights': weights, 'tv_weight': 0.0, 'style_layers': ['relu1_1']})
    defaults = LOSS_DEFAULTS[kind]
    assert config['content_weight'] == defaults.content_weight
    assert config['style_weight'] == defaults.style_weight
    assert config['content_layers'] == defaults.content_layers
    assert config['tv_weight'] == 0.0 and config['style_layers'] == ['relu1_1']
    assert [name for name, value in config.items() if value is None] == ['train_steps']


def test_none_and_empty_lists_count_as_not_given():
    given = {'batch_size': None, 'style_layers': [], 'content_layers': ()}
    assert resolve(given) == resolve({})


def test_what_may_change_on_resume_is_in_the_table():
    assert set(FREE_ON_RESUME) <= set(BY_NAME)


@pytest.fixture
def values(monkeypatch):
    """Flags of their own, in place of the program's."""
    own = absl_flags.FlagValues()
    for name in ('integer', 'float', 'bool', 'string', 'list', 'enum'):
        name = 'DEFINE_' + name
        monkeypatch.setattr(absl_flags, name, functools.partial(getattr(absl_flags, name), flag_values=own))
    return own


@pytest.mark.parametrize('settings', [SETTINGS, REPORT], ids=['training', 'report'])
def test_every_setting_is_a_flag_that_is_none_until_it_is_given(settings, values):
    define_flags(absl_flags, settings=settings)
    values(['program'])
    for setting in settings:
        assert getattr(values, setting.name) is None
        assert setting.text in values[setting.name].help
        if setting.kind is list and setting.default:
            assert 'Default: %s.' % ','.join(setting.default) in values[setting.name].help


def test_names_choose_the_flags(values):
    define_flags(absl_flags, names=('seed', 'impl'), prefix='Of NAAS: ')
    assert set(values) == {'seed', 'impl'} and values['seed'].help.startswith('Of NAAS: Names')


@pytest.mark.parametrize('photos, batch_size, steps', [
    (5000, 4, 2500), (82783, 4, 41391), (462, 4, LEAST_STEPS), (1, 1024, LEAST_STEPS)])
def test_without_a_number_of_steps_there_are_two_passes_or_as_many_as_a_style_needs(
        photos, batch_size, steps):
    assert steps_by_default(photos, batch_size) == steps


# Every default by name; not what is off, or left to others.
TABLE = {setting.name: [setting.default] for setting in SETTINGS if setting.default not in (None, 0, 'auto')}
TABLE.update({name: [getattr(row, name) for row in LOSS_DEFAULTS.values()]
              for name in ('content_weight', 'style_weight', 'tv_weight', 'image_size')})


def literal(node):
    return node.value if isinstance(node, ast.Constant) else getattr(node, 'n', getattr(node, 's', None))


def named_values(tree):
    """(line, name, value) of every default of a parameter, a flag or a key that a file writes out."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            names = [each.arg for each in node.args.args + node.args.kwonlyargs]
            values = ([None] * (len(node.args.args) - len(node.args.defaults))
                      + node.args.defaults + node.args.kw_defaults)
            yield from ((node.lineno, name, literal(value)) for name, value in zip(names, values) if value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) > 1:
            if node.func.attr in ('get', 'pop', 'setdefault') or node.func.attr.startswith('DEFINE_'):
                yield node.lineno, literal(node.args[0]), literal(node.args[1])


def twice(tree):
    return [(line, name) for line, name, value in named_values(tree)
            if value in TABLE.get(name, ())]


def test_no_default_of_training_stands_anywhere_else():
    found = []
    for top in ('resnet_in_tf', 'scripts'):
        for folder, _, names in os.walk(os.path.join(running.ROOT, top)):
            for name in sorted(name for name in names if name.endswith('.py')):
                path = os.path.relpath(os.path.join(folder, name), running.ROOT)
                with open(os.path.join(running.ROOT, path), encoding='utf-8') as file:
                    found += [(path,) + each for each in twice(ast.parse(file.read(), path))]
    assert found == []


@pytest.mark.parametrize('line', [
    'def build(image, width=32): pass', 'def build(image, *, width=32): pass', "card.get('style_size', 512)",
    "flags.DEFINE_string('vgg_weights', 'imagenet', 'The loss network.')", 'build = lambda batch_size=4: 0',
    'def weigh(style_weight=8.0): pass'])
def test_a_default_that_stands_twice_is_found(line):
    assert len(twice(ast.parse(line))) == 1
