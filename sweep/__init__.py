"""sweep: hyperparameter sweeps for PyTorch for model quality and training energy together.

Importing this package is light: it loads neither torch nor hydra nor optuna.
Nothing inside the package imports this module.
"""

__version__ = "0.1.0"
