"""`derive`: from a model class to its formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

from symcount.concolic.config.config_source import ConfigSource, aliases_of
from symcount.concolic.config.source import defaults_of
from symcount.config.kind_lists import KindList, field_of
from symcount.derivation.certificate import disagreement, disagreements
from symcount.derivation.drawing import values_of
from symcount.derivation.evidence import Hypotheses
from symcount.derivation.formula import DerivedFormula, formula_of
from symcount.derivation.given_configs import given_for
from symcount.derivation.indivisible import confined
from symcount.derivation.kind_detection import kind_lists, with_kind_lists
from symcount.derivation.origin import Derived
from symcount.derivation.own_models import is_module
from symcount.derivation.pipeline import derive_class
from symcount.derivation.resolve import missing_package, resolve, shortened
from symcount.derivation.rounding import rounding
from symcount.errors import ConfigError, DependencyError, DerivationError, OptionError, near
from symcount.exact.evaluate import integer_value
from symcount.foreign import guarded

__all__ = ["derive"]

_POINTS = 6  # at which a formula is compared that rests on suppositions


@guarded
def derive(source: Any, /, config: Any = None, **options: Any) -> DerivedFormula:
    """The closed form of a model, derived from the model's own code.

    The real class is constructed a few times on the meta device, which allocates nothing, with a config whose numbers
    are symbolic; the shapes of its parameters are read off. Nothing model-specific is involved.

    Args:
        source: a transformers class or its name (`Qwen3MoeForCausalLM`), a model type (`t5`: its base model), a path to
            a `config.json`, a dict of its form, a transformers config; any `torch.nn.Module` class of your own, a
            function that returns a module, or the address of one (`net.py:Net`, `package.net:Net`); or a module that
            exists, with its config.
        config: for a class of your own: what it takes for its sizes, of whatever kind: a dataclass, a named tuple, a
            model of pydantic or attrs, a namespace, a dict, a plain object. For a transformers class: its config.
        options: for a class that takes its sizes as arguments, these; else config fields at which to derive, e.g.
            `tie_word_embeddings=False`, `head_dim=128`. A number given here for a field that is `None` by default
            becomes a symbol. A list that says of which kind each layer is (`layer_types`) becomes the numbers of layers
            of each kind, if only these matter; if the kinds have the same tensors, it follows the number of layers.

    Where transformers builds no model of a class's own default config, known values are given to it, and the story of
    the formula says which.

    Raises:
        UnknownModelError: no such class; near names are suggested.
        ConfigError: transformers rejects the config.
        OptionError: a field that the model does not have.
        DependencyError: torch or transformers is missing, or a package that the model itself needs.
        DerivationError: the model cannot be constructed, or no closed form was found.
        DomainError: a size is zero or less, which it is not by default.

    >>> import symcount as sc
    >>> f = sc.derive("GPT2LMHeadModel")
    >>> print(f.latex())
    VH + LH + N(12H^2 + 13H) + 2H
    >>> f.domain_text()
    'valid when A divides H'

    Source: concolic execution (Godefroid et al. 2005, DART) of the constructor; see `symcount.derivation.pipeline`.
    """
    cls, found, name, model_type = resolve(source, options, config)
    try:
        formula = _derived(cls, found, name, model_type, options, arrange=not isinstance(config, ConfigSource))
        if is_module(source) and (differences := disagreements(formula, formula.base, source, found.asked)):
            raise ConfigError(
                f"this {name} is not what its config or arguments make, as far as it keeps them: "
                f"{'; '.join(differences[:3])}"
            )
        return formula
    except DerivationError as error:
        if package := missing_package(error.__cause__ or error):
            raise DependencyError(f"{name} needs {package}, which is not installed: pip install {package}") from None
        given = given_for(cls) if config is None and not options and isinstance(source, type | str) else None
        if given and not found.kwargs:
            return _at_given(cls, given, error)
        if error.__cause__ is not None:  # torch's own words may be as long as a stack
            said = shortened(error.__cause__)
            raise DerivationError(f"{name} cannot be constructed at these values: {said}") from error.__cause__
        raise


def _derived(
    cls: type, found: ConfigSource, name: str, model_type: str, options: Mapping[str, Any], *, arrange: bool
) -> DerivedFormula:
    listed = kind_lists(cls, found) if arrange else {}  # a source has its own already
    hypotheses = _with_numbers_of_kinds(cls, found, listed) or derive_class(cls, found)
    _check_read(hypotheses, options)
    formula = formula_of(hypotheses, name, model_type, Derived())
    if hypotheses.supposed and disagreement(formula, _POINTS):
        source = hypotheses.evidence.plan.source
        hypotheses = derive_class(cls, source, suppose=False)
        formula = formula_of(hypotheses, name, model_type, Derived())
    _check_sum(formula, hypotheses)
    formula = confined(replace(formula, requested=found.asked))
    other = rounding(hypotheses)
    return replace(formula, rounded=partial(_rounded, other, formula)) if other is not None else formula


def _rounded(h: Hypotheses, formula: DerivedFormula) -> DerivedFormula:
    """The formula of hypotheses with floors, otherwise like that with quotients."""
    return confined(replace(formula_of(h, formula.name, formula.model_type, Derived()), requested=formula.requested))


def _check_sum(formula: DerivedFormula, h: Hypotheses) -> None:
    """Refuse a total that is not the sum of the sizes that the first run showed, which is at the defaults or near.

    Expressions pass through SymPy, which simplifies some that are equal for it only; see `concolic.values.expression`.
    """
    tensors = {p.tensor_key: p.concrete for p in h.evidence.default.parameters}
    seen = sum(map(prod, tensors.values()))
    total = integer_value(formula.total, values_of(formula, {**formula.base, **h.evidence.default.symbols}))
    if total != seen:
        raise DerivationError(
            f"{formula.name}: the formula gives {total:,} at the defaults, where {seen:,} parameters were built; "
            "this is an error of symcount: please report it with the class"
        )


def _with_numbers_of_kinds(cls: type, found: ConfigSource, lists: Mapping[str, KindList]) -> Hypotheses | None:
    """The hypotheses with the numbers of layers of each kind for fields; `None` if the lists are taken as they are.

    That is where the order of the kinds matters, and of a list all of whose numbers would be kept at their values.
    """
    while lists:
        try:
            hypotheses = derive_class(cls, with_kind_lists(found, lists))
        except DerivationError:
            return None
        pinned = hypotheses.evidence.pinned
        kept = {p for p, one in lists.items() if all(field_of(p, kind) in pinned for kind in one.numbers)}
        if not kept:
            return hypotheses
        lists = {path: one for path, one in lists.items() if path not in kept}
    return None


def _at_given(cls: type, given: Mapping[str, Any], error: DerivationError) -> DerivedFormula:
    """The formula at the known values without which transformers builds no model of the class; see `given_for`."""
    formula = derive(cls, config=dict(given))
    reason = shortened(error.__cause__ or error)
    values = ", ".join(f"{key} = {value}" for key, value in given.items())
    said = f"transformers builds no model of its own defaults ({reason}); derived with {values}"
    return replace(formula, story=(said, *formula.story))


def _check_read(h: Hypotheses, options: Mapping[str, Any]) -> None:
    """Refuse options that the config class does not declare and the model does not read: a config swallows any name."""
    _check_names(h.evidence.plan.cls.__name__, h.evidence.plan.source.cls, h.evidence.default.config_reads, options, "")


def _check_names(model: str, cls: Any, read: Iterable[str], options: Mapping[str, Any], section: str) -> None:
    """Refuse options that the config class *cls* of one section does not declare; of the sections below it likewise."""
    here = [path.removeprefix(section) for path in read if path.startswith(section)]
    names = {*(name for name, _ in defaults_of(cls)), *aliases_of(cls)}
    names |= {path.partition(".")[0].partition("[")[0] for path in here}
    for name, value in options.items():
        if name not in names and not hasattr(cls, name):
            shown = f"{section}{name}"
            raise OptionError(f"{model} has no config field {shown!r:.80}.{near(name, sorted(names))}")
        below = (getattr(cls, "sub_configs", None) or {}).get(name)
        if isinstance(value, Mapping) and isinstance(below, type) and hasattr(below, "to_dict"):
            _check_names(model, below, read, value, f"{section}{name}.")
