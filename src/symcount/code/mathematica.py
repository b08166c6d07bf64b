"""Mathematica: exact rational arithmetic of its own; outside the domain a call stays as it is."""

from __future__ import annotations

import re
from dataclasses import replace

from symcount.code.conditions import holds
from symcount.code.integers import BOTTOM, TOP, quotient
from symcount.code.language import Language, Operator
from symcount.code.program import Program, described
from symcount.exact.arithmetic import WORDS

__all__ = ["MATHEMATICA", "mathematica"]

MATHEMATICA = Language(
    "mathematica",
    {
        "add": Operator(" + ", 10),
        "multiply": Operator("*", 30),
        "power": Operator("{0}^{1}", 40, (41, 41)),
        "negate": Operator("-{0}", 20, (30,)),
        "modulo": Operator("Mod[{all}]"),
        "floor": Operator("Floor[{0}/{1}]", operands=(30, 31)),
        "floor of ratios": Operator("Floor[{0}/{1}]", operands=(30, 31, 0)),
        "divide": Operator("{0}/{1}", 30, (30, 31)),
        "round": Operator("Round[{0}/{1}]", operands=(30, 31)),
        "least": Operator("Min[{all}]"),
        "greatest": Operator("Max[{all}]"),
        "real_round": Operator("Round[{0}]"),
        "real_max": Operator("Max[{0}, {1}]"),
        "real_min": Operator("Min[{0}, {1}]"),
        "divides": Operator("Divisible[{1}, {0}]"),
        "not divides": Operator("! Divisible[{1}, {0}]", 5),
        **{sign: Operator(f"{{0}} {sign} {{1}}", 6, (10, 10)) for sign in WORDS if "divides" not in sign},
    },
    suffix=".wl",
)


def mathematica(program: Program) -> str:
    """A definition; letters are called by their config fields, since Mathematica has a meaning for N, D, E, I and K."""
    arguments = program.arguments()
    fields = {e.letter: _camel(e.field) for e in arguments}
    names: dict[str, str] = {}
    for letter, name in fields.items():
        shown = name
        while shown == program.name or shown in names.values():  # two fields that read alike
            shown += _camel(letter).capitalize()
        names[letter] = shown

    def letter_of(name: str) -> str:
        for ending, part in ((TOP, "Numerator"), (BOTTOM, "Denominator")):
            if name.endswith(ending) and (stem := name.removesuffix(ending)) in names:
                return f"{part}[{names[stem]}]"
        return names[name]

    language = replace(MATHEMATICA, letter=letter_of, ratios=program.ratios)
    pattern = [f"{names[e.letter]}{': (_Integer | _Rational)' if e.rational else '_Integer'}" for e in arguments]
    tests = [f"{names[e.letter]} {'>' if e.rational and e.minimum else '>='} {0 if e.rational else e.minimum}"
             for e in arguments]  # fmt: skip
    tests += [holds(language, condition, program.ratios) for condition in program.conditions]
    body = language.exact(*quotient(program.total, program.ratios))
    said = (*program.heading, *described(arguments, names), "Outside the domain a call stays as it is.")
    comment = "\n".join(f"(* {line} *)" for line in said)
    head = f"{program.name.replace('_', '')}[{', '.join(pattern)}]"
    return f"{comment}\n{head} /; {' && '.join(tests)} :=\n  {body}\n" if tests else f"{comment}\n{head} := {body}\n"


def _camel(field: str) -> str:
    """`vision_config.hidden_size` as `visionConfigHiddenSize`.

    >>> _camel("vision_config.depths[1]")
    'visionConfigDepths1'
    """
    words: list[str] = re.findall(r"[A-Za-z]+|[0-9]+", field) or ["x"]
    first, *rest = words
    return first[0].lower() + first[1:] + "".join(word[0].upper() + word[1:] for word in rest)
