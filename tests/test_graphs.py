"""A GPU's memory is taken as it is needed, from the first session of a process on."""

import ast
import glob
import os

import pytest

from resnet_in_tf import graphs

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
SESSIONS = ('Session', 'InteractiveSession', 'MonitoredSession', 'MonitoredTrainingSession', 'RunConfig')


def sessions(text):
    """Of each session that a file opens: its line, and whether session_config made its settings."""
    tree = ast.parse(text)
    names = {target.id: node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SESSIONS:
            settings = [keyword.value for keyword in node.keywords
                        if keyword.arg in ('config', 'session_config')]
            settings = [names.get(getattr(value, 'id', None), value) for value in settings]
            yield node.lineno, bool(settings) and 'session_config' in [
                getattr(settings[0].func, name, '') for name in ('id', 'attr')
                if isinstance(settings[0], ast.Call)]


def test_every_session_of_the_package_takes_session_config():
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, 'resnet_in_tf', '**', '*.py'), recursive=True)
                       + glob.glob(os.path.join(ROOT, 'scripts', '*.py'))):
        with open(path, encoding='utf-8') as file:
            found += [(os.path.relpath(path, ROOT), line, right) for line, right in sessions(file.read())]
    assert len(found) > 10
    assert [each for each in found if not each[2]] == []


@pytest.mark.parametrize('line, right', [
    ('tf.Session()', False), ('tf.Session(graph=graph)', False), ('tf.Session(config=config)', False),
    ('tf.Session(config=tf.ConfigProto())', False), ('tf.estimator.RunConfig(folder)', False),
    ('tf.Session(config=session_config())', True), ('a = session_config()\ntf.Session(config=a)', True),
    ('a = tf.ConfigProto()\ntf.Session(config=a)', False),
    ('tf.Session(graph=g, config=graphs.session_config())', True),
    ('tf.estimator.RunConfig(session_config=session_config(True))', True)])
def test_a_session_of_other_settings_is_found(line, right):
    assert [each for _, each in sessions(line)] == [right]


def test_session_config_lets_a_gpu_give_memory_bit_by_bit():
    assert graphs.session_config().gpu_options.allow_growth
