"""The total taken apart: by path, by layer type, or what lies in some tensors of it."""

from __future__ import annotations

from typing import Literal

from sympy import Add

from symcount.core.ledger import Ledger, check_convention
from symcount.core.notation import Notation
from symcount.core.tree import Block
from symcount.errors import ConventionError, StructureError, near
from symcount.foreign import guarded_methods
from symcount.formulas.parts import Breakdown, Part

__all__ = ["Partitioned"]


@guarded_methods
class Partitioned:
    """A formula's total as the sum of its parts."""

    tree: Block
    notation: Notation

    @property
    def ledger(self) -> Ledger:
        """Every parameter name with its symbolic shape; the formula's."""
        raise NotImplementedError

    def breakdown(
        self, depth: int | None = None, *, by: Literal["path", "kind"] = "path", convention: str = "unique"
    ) -> Breakdown:
        """The total by path, cut after *depth* names (`None`: every layer), or by layer type. Parts sum to the total.

        Raises:
            ConventionError: no such convention, or *by* is neither `path` nor `kind`.
        """
        checked = check_convention(convention)
        if by == "kind":
            found = [Part(kind, kind, e) for kind, e in self.ledger.by_kind(checked).items() if e != 0]
            return Breakdown(found, self, by, checked)
        if by != "path":
            raise ConventionError(f"breakdown by {by!r}: expected path or kind.{near(str(by), ['path', 'kind'])}")
        kinds: dict[str, str] = {}
        for path, item in self.tree.walk():
            kinds.setdefault(path, item.kind)
        parts = self.ledger.by_path(depth, checked)
        return Breakdown((Part(path, kinds[path], e) for path, e in parts.items() if e != 0), self, "path", checked)

    def subtotal(self, pattern: str = "*", *, kind: str | None = None, convention: str = "unique") -> Part:
        """The part of the total that lies in the tensors whose path matches *pattern*.

        Args:
            pattern: a shell-style pattern for the full path of a tensor, as in `bert.encoder.*.weight`.
            kind: only tensors of layers of this type, e.g. `Linear`.
            convention: what counts.

        Raises:
            StructureError: the model has no such tensor.

        >>> import symcount as sc
        >>> sc.formula("bert").subtotal("embeddings.*", kind="Embedding").expression
        H*L + H*T + H*V
        """
        rows = self.ledger.select(pattern, kind)
        if not rows:
            known = ", ".join(self.ledger.by_kind())
            raise StructureError(
                f"no tensor matches {pattern!r}{f' in a {kind}' if kind else ''}; layer types: {known}"
            )
        checked = check_convention(convention)
        return Part(pattern, kind or "", Add(*(self.ledger.counted(row, checked) * row.size for row in rows)))
