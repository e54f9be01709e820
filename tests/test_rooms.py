"""Imports point one way: from the scripts down to the ground (resnet_in_tf/*.py), never up or around."""

import ast
import collections
import os

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
PACKAGE, GROUND, SCRIPTS = 'resnet_in_tf', 'the ground', 'scripts'
FRONT = 'the front door'  # resnet_in_tf/__init__.py, which hands the names for programs on
# From the top to the bottom; a room imports from lines below its own.
ORDER = [
    {SCRIPTS, FRONT},
    {'evaluation', 'benchmarks'},
    {'server', 'cluster', 'video'},
    {'restyling', 'training', 'tiles', 'exports'},
    {'perceptual', 'network'},
    {'instance_norm', 'pictures'},
    {GROUND},
]
# Within a line, only these.
BESIDE = {
    ('cluster', 'video'): 'films are handed to workers, too',
    ('benchmarks', 'evaluation'): 'figures are drawn and differences told as in the report',
    ('exports', 'tiles'): 'the page in the browser runs large photos in tiles, too',
    ('restyling', 'exports'): 'onnxruntime runs what the ONNX export makes',
    ('restyling', 'tiles'): 'what is too large for one pass goes through tiles',
    ('restyling', 'training'): 'NAAS takes the defaults and reads paintings as training does',
}
LEVELS = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
Import = collections.namedtuple('Import', 'path line source target')


def room_of(parts, root):
    """The room of a dotted name: scripts, a folder of the package, or the ground."""
    if parts[0] != PACKAGE:
        return SCRIPTS
    return parts[1] if len(parts) > 1 and os.path.isdir(os.path.join(root, *parts[:2])) else GROUND


def imports(root):
    """Every import of a script or of the package from a file of either, wherever in the file it stands."""
    scripts = {SCRIPTS} | {name[:-3] for name in os.listdir(os.path.join(root, SCRIPTS))
                           if name.endswith('.py')}
    for top in (PACKAGE, SCRIPTS):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(name for name in names if name.endswith('.py')):
                path = os.path.relpath(os.path.join(folder, name), root)
                front = path == os.path.join(PACKAGE, '__init__.py')
                source = FRONT if front else room_of(path[:-3].split(os.sep), root)
                with open(os.path.join(root, path), encoding='utf-8') as file:
                    tree = ast.parse(file.read(), path)
                for node in ast.walk(tree):
                    for target in names_of(node):
                        parts = target.split('.')
                        if parts[0] == PACKAGE or parts[0] in scripts:
                            yield Import(path, node.lineno, source, room_of(parts, root))


def names_of(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, 'imports are absolute here: line %d' % node.lineno
        return ['%s.%s' % (node.module, alias.name) for alias in node.names]
    return []


def wrong(found):
    """What of these imports goes up, or sideways without a reason."""
    return ['%s:%d: %s imports %s' % each for each in found if each.target == SCRIPTS or (
        each.source != each.target and LEVELS[each.source] >= LEVELS[each.target]
        and (each.source, each.target) not in BESIDE)]


def cycle(edges):
    """A room that is reached again from itself; None where there is none."""
    reached = {source: {target for start, target in edges if start == source} for source, _ in edges}
    for _ in reached:
        for targets in reached.values():
            targets |= {far for near in set(targets) for far in reached.get(near, ())}
    return next((room for room, targets in reached.items() if room in targets), None)


def test_every_room_has_its_place():
    rooms = {name for name in os.listdir(os.path.join(ROOT, PACKAGE))
             if os.path.exists(os.path.join(ROOT, PACKAGE, name, '__init__.py'))}
    assert rooms and rooms <= set(LEVELS)


def test_imports_point_one_way():
    found = list(imports(ROOT))
    assert len(found) > 200 and {each.source for each in found} > {SCRIPTS, 'training', 'server'}
    assert wrong(found) == []


def test_no_room_reaches_itself_by_another():
    assert cycle({(each.source, each.target) for each in imports(ROOT) if each.source != each.target}) is None


def test_what_may_stand_beside_is_used():
    assert set(BESIDE) <= {(each.source, each.target) for each in imports(ROOT)}


@pytest.mark.parametrize('path, line', [
    ('resnet_in_tf/files.py', 'from resnet_in_tf.network import frozen'),
    ('resnet_in_tf/network/frozen.py', 'def late():\n    import resnet_in_tf.restyling.stylizer'),
    ('resnet_in_tf/exports/plain.py', 'from resnet_in_tf import training'),
    ('resnet_in_tf/server/app.py', 'from scripts import serve'),
    ('scripts/serve.py', 'import stylize')])
def test_a_wrong_import_is_found(tmp_path, path, line):
    for name in (path, 'scripts/stylize.py') + tuple(
            'resnet_in_tf/%s/__init__.py' % room for room in ('network', 'restyling', 'training', 'exports')):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('')
    (tmp_path / path).write_text(line)
    assert len(wrong(imports(str(tmp_path)))) == 1
    assert cycle({('a', 'b'), ('b', 'c'), ('c', 'a')}) and not cycle({('a', 'b'), ('a', 'c'), ('b', 'c')})
