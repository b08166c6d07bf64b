"""What transformers calls its models: which model types it knows, and which class a file's words mean.

The words of `model_types.json` are those of transformers' config mapping; `symcount atlas build` writes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

__all__ = ["PATH", "canonical", "folded", "is_known", "meant", "text_type"]

PATH = os.path.join(os.path.dirname(__file__), "model_types.json")

#: Heads that predict words: what the old `…WithLMHeadModel` have become.
_WORDS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForMaskedLM")
_TASK = re.compile(r"(.+?)(For[A-Z]\w*|(?:With)?LMHeadModel|Model)\Z")


@cache
def _stored() -> Mapping[str, Any]:
    """`known`: model types; `spelled`: another spelling -> model type; `text`: type -> that of its text model."""
    import json

    with open(PATH, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return {**found, "known": frozenset(found["known"])}


def is_known(model_type: Any) -> bool:
    """Whether transformers has a config class of this model type; a repository with code of its own has others.

    >>> is_known("llama"), is_known("kimi_k2")
    (True, False)
    """
    return isinstance(model_type, str) and model_type in _stored()["known"]


def canonical(model_type: str) -> str:
    """The model type that the config class itself has, which may be known by others.

    >>> canonical("gpt-sw3"), canonical("llama")
    ('gpt2', 'llama')
    """
    return str(_stored()["spelled"].get(model_type, model_type))


def text_type(model_type: str) -> str:
    """The model type of the text model inside a composite one, empty if it is none, or any may be inside.

    >>> text_type("llama4"), text_type("llava"), text_type("llama")
    ('llama4_text', '', '')
    """
    return str(_stored()["text"].get(model_type, ""))


def folded(name: str) -> str:
    """A name without what people write in several ways: case, hyphens, underscores."""
    return name.lower().replace("-", "").replace("_", "")


def meant(name: str, model_type: str, family: Collection[str], every: Iterable[str]) -> str | None:
    """The class that a file calls *name*: itself, one of another spelling, or what has become of it; `None` if none.

    Args:
        name: as in `architectures`.
        model_type: as in the file, empty if it says none.
        family: the classes of that model type.
        every: all classes.

    Code of a repository's own is often in transformers today, under the name of the class that it is like
    (`InternLM3ForCausalLM` is Llama's). So is what transformers itself called otherwise before (`T5WithLMHeadModel`).
    A name that says the model type and a task is the class of the family for this task, if there is just one.

    >>> meant("LLaMAForCausalLM", "", (), ("LlamaForCausalLM", "BertModel"))
    'LlamaForCausalLM'
    >>> meant("InternLM3ForCausalLM", "internlm3", ("LlamaModel", "LlamaForCausalLM"), ())
    'LlamaForCausalLM'
    >>> meant("T5WithLMHeadModel", "t5", ("T5Model", "T5ForConditionalGeneration"), ())
    'T5ForConditionalGeneration'
    >>> meant("EagleForCausalLM", "llama", ("LlamaForCausalLM",), ())
    """
    every = frozenset((*family, *every))
    if name in every:
        return name
    for known in (frozenset(family), every):
        alike = [other for other in known if folded(other) == folded(name)]
        if len(alike) == 1:
            return alike[0]
    said = _TASK.match(name)
    if said is None or not family:
        return None
    stem, task = said.groups()
    prefixes = {folded(model_type), *(folded(m.group(1)) for other in family if (m := _TASK.match(other)))}
    if folded(stem) not in prefixes:
        return None
    tasks = _WORDS if task.endswith("LMHeadModel") else (task,)
    found = [other for other in family if (m := _TASK.match(other)) and m.group(2) in tasks]
    return found[0] if len(found) == 1 else None
