"""Image style transfer with a normalized residual network, in TensorFlow 1.x graph mode.

Three names are for programs: `restyle`, `Stylizer` and `styles`. They are imported when they are first
asked for, and TensorFlow with them.
"""

import importlib
import sys
import types

__version__ = '1.0.0'
__all__ = ['Stylizer', 'restyle', 'styles']

TYPE_CHECKING = False  # as typing has it, for editors and mypy: no program comes by below
if TYPE_CHECKING:
    from resnet_in_tf.restyling.api import Stylizer, restyle, styles


class _Package(types.ModuleType):
    """This package. Python 3.6 knows no `__getattr__` of a module."""

    def __getattr__(self, name):
        if name not in __all__:
            raise AttributeError('module %r has no attribute %r' % (__name__, name))
        value = getattr(importlib.import_module(__name__ + '.restyling.api'), name)
        setattr(self, name, value)
        return value

    def __dir__(self):
        return sorted(set(super().__dir__()) | set(__all__))


sys.modules[__name__].__class__ = _Package
