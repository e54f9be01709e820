"""The figures that the paper prints, with their place in it; nothing here was measured by us.

Percentages are given as shares. A system without a figure is left out. docs/evaluation.md lists
where the paper contradicts itself.
"""

SYSTEM_NAMES = {'resnet_in': 'ResNet-IN', 'cnn': 'CNN', 'cnn_bn': 'CNN-BN', 'fnst': 'FNST',
                'naas': 'NAAS', 'resnet_contrast': 'ResNet-contrast', 'resnet_any': 'ResNet-any'}

# Fig. 7(a) and (b), text of IV.A.
AUC = {'train': {'resnet_in': 0.985}, 'test': {'resnet_in': 0.993}}

# Fig. 8, text of IV.A: another accuracy than Fig. 10's.
CURVE_ACCURACY = {'resnet_in': 0.9573, 'fnst': 0.9126, 'naas': 0.8569, 'cnn_bn': 0.8251}

# Fig. 10, text of IV.B.
RECOGNITION = {
    'resnet_in': {'accuracy': 0.9735, 'recall': 0.9649, 'f1': 0.9752},
    'naas': {'accuracy': 0.9521, 'recall': 0.9467, 'f1': 0.9523},
    'cnn_bn': {'accuracy': 0.9638, 'recall': 0.9077, 'f1': 0.9350},
    'fnst': {'accuracy': 0.9521, 'recall': 0.9142, 'f1': 0.9376},
    'cnn': {'accuracy': 0.9076, 'recall': 0.9129, 'f1': 0.9408},
}

# Fig. 6, text of IV.A.
LEARNING_RATES = (0.0001, 0.001, 0.01)
BEST_LEARNING_RATE = 0.001
LEARNING_RATE_LOSS = {0.001: 0.2}

# Table II, in seconds: five tests of each style, then the average that the paper prints.
TIMES = (
    ((2.03, 2.17, 2.45, 1.86, 1.99), 2.1),
    ((1.34, 1.25, 1.57, 1.46, 1.42), 1.408),
    ((2.34, 2.16, 2.75, 2.09, 2.45), 2.358),
    ((2.64, 3.17, 2.88, 3.23, 3.03), 2.99),
    ((3.16, 2.98, 3.25, 3.11, 3.23), 3.146),
    ((2.94, 2.56, 2.73, 2.46, 2.38), 2.614),
    ((2.45, 2.29, 2.37, 2.58, 2.64), 2.43),
    ((2.87, 3.15, 3.06, 3.11, 3.24), 3.086),
)
TIME_LIMIT = 3.5  # "less than 3.5s", text of IV.B

# Table III: five tests of each system, then the average that the paper prints.
MIOU = {
    'resnet_in': ((0.85, 0.89, 0.94, 0.87, 0.95), 0.90),
    'cnn': ((0.64, 0.69, 0.67, 0.85, 0.79), 0.728),
    'cnn_bn': ((0.78, 0.84, 0.85, 0.81, 0.82), 0.82),
    'fnst': ((0.87, 0.86, 0.80, 0.91, 0.88), 0.864),
    'naas': ((0.81, 0.88, 0.84, 0.86, 0.90), 0.858),
}

# Fig. 9, text of IV.B: three of its eight styles, points from 0 to 10.
SATISFACTION = {
    1: {'fluency': 7.02, 'coherence': 8.56, 'integrity': 7.64},
    3: {'fluency': 7.86, 'coherence': 8.62, 'integrity': 7.49},
    8: {'fluency': 7.43, 'coherence': 7.74, 'integrity': 8.35},
}
