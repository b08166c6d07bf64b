"""The catalogue of layer types, one family a module; each is a function from sizes to a `Block`.

Sizes are positive integers or SymPy expressions. Every docstring gives the formula, the shape of each weight and
the source.
"""

from symcount.layers.attention import GroupedQueryAttention, LatentAttention, MultiHeadAttention
from symcount.layers.conv import Conv1d, Conv2d
from symcount.layers.embedding import Embedding
from symcount.layers.feedforward import MLP, GatedMLP
from symcount.layers.linear import Conv1D, Head, Linear
from symcount.layers.moe import Experts, MixtureOfExperts, Router
from symcount.layers.norm import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from symcount.layers.ssm import SelectiveStateSpace

__all__ = [
    "MLP",
    "BatchNorm",
    "Conv1D",
    "Conv1d",
    "Conv2d",
    "Embedding",
    "Experts",
    "GatedMLP",
    "GroupNorm",
    "GroupedQueryAttention",
    "Head",
    "LatentAttention",
    "LayerNorm",
    "Linear",
    "MixtureOfExperts",
    "MultiHeadAttention",
    "RMSNorm",
    "Router",
    "SelectiveStateSpace",
]
