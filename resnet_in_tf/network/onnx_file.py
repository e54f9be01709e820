"""An ONNX file that freeze_graph.py wrote: opened by onnxruntime, alone, on any Python."""

import collections
import functools
import os

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface, model_file, onnx_format
from resnet_in_tf.network.layers import CONV, SHIFTED, SMALL
from resnet_in_tf.numerals import whole

INSTALL = "pip install 'resnet_in_tf[onnx]'"

# What onnx_generator writes, and what tf2onnx makes of other systems and of style predictors.
OPERATIONS = {
    'Abs', 'Add', 'And', 'AveragePool', 'Cast', 'Clip', 'Concat', 'Constant', 'Conv', 'DepthToSpace',
    'Div', 'Equal', 'Expand', 'Gather', 'GlobalAveragePool', 'Identity', 'InstanceNormalization', 'Less',
    'MatMul', 'Max', 'MaxPool', 'Min', 'Mod', 'Mul', 'Neg', 'Not', 'Pad', 'Range', 'Reciprocal',
    'ReduceMean', 'ReduceProd', 'Relu', 'Reshape', 'Resize', 'Shape', 'Slice', 'Split', 'Sqrt', 'Squeeze',
    'Sub', 'Tanh', 'Transpose', 'Unsqueeze', 'Where'}

Network = collections.namedtuple('Network', 'run style_names card predictor')
Network.__doc__ = """An ONNX network that is open.

Fields:
    run: function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized; and of
        a row [N, R] where it takes one.
    style_names, card: as frozen.read_graph gives them.
    predictor: str, checksum of the file of its style predictor; None where it has none.
"""


def open_session(data, name, **settings):
    """Opens bytes of an ONNX file: onnxruntime.InferenceSession.

    Args:
        data: bytes of the file.
        name: what to call it in a message.
        settings: attributes of onnxruntime.SessionOptions.

    Raises:
        UserError: onnxruntime is not installed, or cannot open it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError('ONNX: %s; %s' % (error, INSTALL)) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # A pattern is kept for every size of picture that comes by: a server would grow.
    options.enable_mem_pattern = False
    # Threads that wait for work would keep processors busy, for a quarter of all CPU seconds.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    threads = whole(os.environ.get('OMP_NUM_THREADS', ''), 1024)  # by which all else keeps to so many
    if threads is not None:
        options.intra_op_num_threads = threads
    for key, value in settings.items():
        setattr(options, key, value)
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers(onnxruntime))
    except Exception as error:  # onnxruntime's own classes differ from release to release
        raise UserError('%s: onnxruntime cannot open it (%s)'
                        % (name, str(error).split('\n')[0])) from error


def within_memory(run):
    """A function that raises MemoryError where onnxruntime gets too little memory for it."""
    @functools.wraps(run)
    def guarded(*args):
        try:
            return run(*args)
        except Exception as error:  # onnxruntime's own classes differ from release to release
            if 'allocate memory' in str(error) or 'bad allocation' in str(error):
                raise MemoryError(str(error)) from error
            raise
    return guarded


def session(data, name):
    """Opens an ONNX network: Network.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Raises:
        UserError: onnxruntime is not installed, or this is not such a network.
    """
    opened = open_session(data, name)
    try:
        meta = opened.get_modelmeta().custom_metadata_map
        names, card = files.parse_json(meta['style_names']), model_file.card(meta['card'])
        style_names = model_file.style_names(names if isinstance(names, list) else [])
    except (KeyError, ValueError, model_file.Unfit):
        raise UserError('%s: an ONNX network, but not one of freeze_graph.py' % name) from None
    check_ends(opened, len(style_names), name)
    fetch = within_memory(opened.run)

    def run(image, style_weights, row=None):
        feeds = {interface.IMAGE: image, interface.STYLE_WEIGHTS: style_weights}
        if row is not None:
            feeds[interface.ROW] = row
        return paint(fetch, feeds, name)

    return Network(run, style_names, card, meta.get('predictor'))


def paint(fetch, feeds, name):
    """What a session's run gives for a dict of inputs: float32 [N, H, W, 3], pictures of the given size.

    Raises:
        UserError: it gives others.
    """
    stylized = fetch([interface.STYLIZED], feeds)[0]
    if stylized.shape != feeds[interface.IMAGE].shape:
        raise UserError('%s: damaged: it gives pictures of another size' % name)
    return stylized


def check_ends(opened, styles, name):
    """Raises UserError where a network takes or gives something else than pictures and style weights.

    Args:
        opened: onnxruntime.InferenceSession.
        styles: int, S.
        name: what to call it in a message.
    """
    there = {each.name: each for each in opened.get_inputs() + opened.get_outputs()}
    for end, last, rank in ((interface.IMAGE, 3, 4), (interface.STYLE_WEIGHTS, styles, 2),
                            (interface.STYLIZED, 3, 4)):
        shape = list(there[end].shape or []) if end in there else None
        if (shape is None or there[end].type != 'tensor(float)' or shape and (
                len(shape) != rank or any(isinstance(side, int) for side in shape[:-1])
                or isinstance(shape[-1], int) and shape[-1] != last)):
            raise UserError('%s: an ONNX network, but not one of freeze_graph.py: %s is no float32 [%s, %d] '
                            'of any size' % (name, end, ', '.join('NHW'[:rank - 1]), last))


def read(data, name):
    """Reads a stranger's ONNX file, and checks what is in it.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Returns:
        (onnx_format.Model; int, channels of its first layer).

    Raises:
        UserError: the network has operations, functions, graphs within graphs or files beside it that no
            converted one has.
    """
    try:
        model = onnx_format.read(data)
    except ValueError as error:
        raise UserError('%s: onnxruntime cannot open it (%s)' % (name, error)) from error
    strange = sorted({node.op for node in model.nodes if node.op not in OPERATIONS or node.strange})
    kernels = [tensor.dims[0] for tensor in model.tensors.values()
               if len(tensor.dims) == 4 and tensor.dims[1] == 3]
    if strange or model.strange or not kernels or any(tensor.strange for tensor in model.tensors.values()):
        raise UserError('%s: an ONNX network, but not one of freeze_graph.py%s' % (
            name, ': it has the operation %s' % model_file.shown(strange[0]) if strange else ''))
    return model, int(kernels[0])


def scopes_of(model):
    """Scopes of a network's norms, first to last: list of str; empty where onnx_generator has not written it.

    Args:
        model: onnx_format.Model; of one with regions the norms of the small copies are left out.
    """
    made = {output for node in model.nodes for output in node.outputs}
    scopes = [output[:-len(SHIFTED)] for node in model.nodes for output in node.outputs
              if output.endswith(SHIFTED) and not output.startswith(SMALL)]
    return [scope for scope in scopes if scope + CONV in made]


def providers(onnxruntime):
    """CUDA where onnxruntime was built with it, and the CPU."""
    return [name for name in ('CUDAExecutionProvider', 'CPUExecutionProvider')
            if name in onnxruntime.get_available_providers()]
