"""Indices that were written out: `str(i)`, `f"layer_{i}"`; what such a text is compared with, no question says.

A user's own model is therefore seen with as many layers as are ever built; and if something in its code or its config
names a deeper one, nothing is said of deeper models.
"""

from __future__ import annotations

from symcount.concolic.python.constants import LARGEST
from symcount.concolic.python.texts import names_beyond, numbers_in, writes_unseen
from symcount.concolic.traces import Trace, once_a_trace
from symcount.derivation.structure import is_model_code

__all__ = ["named_beyond", "written_out"]


@once_a_trace
def written_out(one: Trace) -> set[str]:
    """The loops of a user's own model whose index became a text, or may have become one that nothing notes."""
    if not one.modules or one.modules[0].cls.__module__.startswith("transformers."):
        return set()
    own = {m.cls for m in one.modules}
    noted = {name for name, module in one.texts.items() if is_model_code(module)}
    return noted | ({loop.name for loop in one.loops} if writes_unseen(own) else set())


@once_a_trace
def named_beyond(one: Trace) -> set[str]:
    """Those of `written_out` if the code or the config has a number that only the index of a deeper layer can meet."""
    found = written_out(one)
    texts = (
        text
        for value in one.config_reads.values()
        for text in (value if isinstance(value, list | tuple | set) else (value,))
    )
    there = any(n > LARGEST for text in texts if isinstance(text, str) for n in numbers_in(text))
    own = {m.cls for m in one.modules}
    return found if found and (there or writes_unseen(own) or names_beyond(own, LARGEST + 1)) else set()
