"""`derive`: from a model class to its formula."""

from __future__ import annotations

from typing import Any

from symcount.derive.arranging import arrangements, with_arrangements
from symcount.derive.configs import ConfigSource
from symcount.derive.engine import derive_class
from symcount.derive.resolve import missing_package, resolve
from symcount.derive.result import DerivedFormula, formula_of
from symcount.errors import DependencyError, DerivationError

__all__ = ["derive"]


def derive(source: Any, /, *, config: Any = None, **options: Any) -> DerivedFormula:
    """The closed form of a model, derived from the model's own code.

    The real class is constructed a few times on the meta device, which allocates nothing, with a config whose numbers
    are symbolic; the shapes of its parameters are read off. Nothing model-specific is involved.

    Args:
        source: a transformers class or its name (`Qwen3MoeForCausalLM`), a model type (`t5`: its base model), a path to
            a `config.json`, a dict of its form, a transformers config; or any `torch.nn.Module` class whose
            constructor takes one config (then give *config*).
        config: for a class of your own: an instance of a dataclass with the sizes. For a transformers class: its
            config.
        options: config fields at which to derive, e.g. `tie_word_embeddings=False`, `head_dim=128`. A number given here
            for a field that is `None` by default becomes a symbol. A list that says of which kind each layer is
            (`layer_types`) becomes the numbers of layers of each kind, if only these matter.

    Raises:
        UnknownModelError: no such class; near names are suggested.
        ConfigError: transformers rejects the config.
        DependencyError: torch or transformers is missing, or a package that the model itself needs.
        DerivationError: the model cannot be constructed, or no closed form was found.

    >>> import symcount as sc
    >>> f = sc.derive("GPT2LMHeadModel")
    >>> print(f.latex())
    VH + LH + N(12H^2 + 13H) + 2H
    >>> f.domain_text()
    'valid when A divides H'

    Source: concolic execution (Godefroid et al. 2005, DART) of the constructor; see `symcount.derive.engine`.
    """
    cls, found, name, model_type = resolve(source, options, config)
    if not isinstance(config, ConfigSource) and (arranged := arrangements(cls, found)):  # a source has its own already
        try:
            return formula_of(derive_class(cls, with_arrangements(found, arranged)), name, model_type)
        except DerivationError:
            pass  # their order matters, perhaps: the lists are taken as they are
    try:
        return formula_of(derive_class(cls, found), name, model_type)
    except DerivationError as error:
        if package := missing_package(error.__cause__ or error):
            raise DependencyError(f"{name} needs {package}, which is not installed: pip install {package}") from None
        raise
