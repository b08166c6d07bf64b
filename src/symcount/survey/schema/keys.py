"""The second half of measuring a layout: how each number and each check is found in a config, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symcount.atlas.codes import MISSING, identifiers, mapped
from symcount.atlas.record import Check, Number, Section, StoredFormula
from symcount.concolic.values.expression import Node
from symcount.config.kind_lists import MARK
from symcount.core.paths import section_of, value_at
from symcount.derivation.formula import DerivedFormula
from symcount.errors import DerivationError, StructureError
from symcount.survey.schema.around import handed_down
from symcount.survey.schema.config_class import attribute, attribute_at
from symcount.survey.schema.sections import Sections, plain

if TYPE_CHECKING:
    from symcount.survey.schema.asking import At
    from symcount.survey.schema.work import Work

__all__ = ["Keys"]


class Keys:
    """Numbers, sections and checks of a layout."""

    def __init__(self, work: Work, at: At, formulas: list[DerivedFormula], stored: list[StoredFormula]) -> None:
        self._work, self._probe, self._at, self._formulas = work, work.probe, at, formulas
        self._stored = stored
        self._ruled = (work.rules, work.nulls, work.sames)
        self._base: dict[str, Any] = {}
        for formula in reversed(formulas):
            self._base.update(formula.base)
        for path, filler in work.fillers.items():
            self._base.setdefault(path, filler)
        try:
            self._empty: Any = self._probe.config(self._probe.raw if self._probe.absent else {})
        except Exception:  # noqa: BLE001  # the base config has what the class insists on
            self._empty = None

    def measured(self) -> tuple[dict[str, Number], dict[str, Section], dict[str, Check]]:
        """Everything."""
        numbers = {path: self._number(path) for path in self._needed()}
        checks = {path: self._check(path) for path in self._work.accept}
        measured = Sections(self._work, self._formulas, self._empty)
        sections = {path: measured.section(path, owner, numbers, checks) for path, owner in self._probe.parts.items()}
        for path in self._probe.instances:
            if self._probe.left_out(path):
                if "." not in path and handed_down(self._probe, path):
                    raise DerivationError(f"{path} takes keys of the config around it where it is left out")
                sections[path] = Section(optional="absent")
        return numbers, sections, checks

    # -------------------------------------------------------------- numbers

    def _needed(self) -> list[str]:
        """The numbers that a formula, a condition, a pattern or the rule of another needed number has."""
        by_name = {name: path for path, name in self._at.names.items()}
        needed = {e.field for f in self._formulas for e in f.notation}
        texts = [t for s in self._stored for _, left, right in s.asked for t in (left, right)]
        texts += [self._text(node) for node in self._work.equals.values()]
        for nodes in self._work.each.values():
            mapped(lambda x: texts.append(self._text(x)) if isinstance(x, Node) else None, nodes)
        for pattern in (*self._work.patterns.values(), *self._work.arranged.values()):
            needed |= {*([pattern["depth"]] if "depth" in pattern else []), *pattern.get("same", ())}
        while True:
            needed |= {by_name[n] for text in texts for n in identifiers(text) if n in by_name}
            rules = [self._text(found.get(p)) for p in needed for found in self._ruled]
            if set(rules) <= set(texts):
                return [path for path in self._at.names if path in needed]
            texts += rules

    def _number(self, path: str) -> Number:
        section = section_of(path)
        default = self._default(path)
        minima = [e.minimum for f in self._formulas for e in f.notation if e.field == path]
        minimum = (max if MARK in path else min)(minima, default=None)
        rule, null = (self._text(found.get(path)) for found in (self._work.rules, self._work.nulls))
        if path in self._work.fillers:  # it has no influence but must be admissible where it is given
            rule = null = str(self._work.fillers[path])
        elif default is None and not rule:
            stem, mark, _ = path.partition(MARK)  # a number of layers of a kind is never given: its list says it
            switch = stem in self._work.accept and (mark or stem not in self._probe.required)
            rule = null = "1" if switch else ""  # a switch says that no formula needs it
        elif path in self._work.accept and not null and not self._filled(path):
            null = "1"
        absent = self._absent(path) if section else None
        ratio = isinstance(self._base[path], float)
        return Number(
            self._at.names[path],
            default,
            absent if isinstance(absent, int | float) and not isinstance(absent, bool) else None,
            rule,
            null,
            0 if ratio else minimum,
            ratio,
            self._work.words.get(path, ""),
            self._text(self._work.sames.get(path)),
        )

    def _filled(self, path: str) -> bool:
        """Whether the config puts a number where a file says null: then null is not without influence."""
        config = self._probe.try_config({path: None})
        return config is not None and type(attribute_at(config, path)) is int

    def _default(self, path: str) -> Any:
        stem, _, rest = path.partition("[")
        value = self._probe.default(stem)
        for i in (int(x.rstrip("]")) for x in rest.split("[") if rest):
            value = value[i] if isinstance(value, list | tuple) and i < len(value) else self._base[path]
        if stem in self._probe.required or MARK in path:
            return None
        if value is MISSING:
            return None if stem in self._work.accept else self._base[path]
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def _absent(self, path: str) -> Any:
        return value_at(self._empty, path, attribute=attribute)

    def _text(self, node: Any) -> str:
        try:
            return self._at.text(node) if node is not None else ""
        except (StructureError, KeyError, TypeError):
            return ""

    # -------------------------------------------------------------- checks

    def _check(self, path: str) -> Check:
        work, declared = self._work, self._probe.declared(path) is not None
        default = self._probe.default(path) if declared and path not in self._probe.required else None
        given = default if plain(default) else None
        absent = None
        if section_of(path):
            there, here = self._absent(path), self._lookup(path)
            if plain(there) and type(there) is type(here) and there != here and there is not None:
                absent = there
        return Check(
            given,
            absent,
            dict(work.accept[path]),
            path in work.activation,
            work.patterns.get(path, {}),
            self._text(work.equals.get(path)),
            work.arranged.get(path, {}),
            self._each(work.each.get(path, [])),
        )

    def _each(self, nodes: list[Any]) -> list[Any]:
        """The elements of a list as `record.Check.each` has them; none if one of them has no text."""
        texts: list[str] = []

        def said(item: Any) -> Any:
            if isinstance(item, Node):
                texts.append(self._text(item))
                return texts[-1]
            return f"'{item}" if isinstance(item, str) else item

        found: list[Any] = mapped(said, nodes)
        return found if all(texts) else []

    def _lookup(self, path: str) -> Any:
        section, _, key = path.rpartition(".")
        return attribute(self._probe.instances.get(section), key)
