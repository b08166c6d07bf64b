"""Python: integers of any size; a ratio is an `int` or a `Fraction`."""

from __future__ import annotations

import builtins
import keyword

from symcount.code.conditions import holds
from symcount.code.integers import BOTTOM, TOP, quotient
from symcount.code.language import Language, Operator
from symcount.code.program import Program, described, identifiers, spoken, used
from symcount.exact.arithmetic import WORDS

__all__ = ["PYTHON", "python"]

_HELPERS = {
    "divide": '''\
def divide(top, bottom):
    """The quotient, which must be an integer."""
    if top % bottom:
        raise ValueError(f"{top}/{bottom} is not an integer: outside the formula's domain")
    return top // bottom
''',
    "floor_of_ratio": '''\
def floor_of_ratio(top, bottom, approximate):
    """The floor, where the model's own floating-point arithmetic gives the same."""
    if top // bottom != math.floor(approximate):
        raise ValueError(f"floor({top}/{bottom}) depends on floating-point rounding; use a ratio with few digits")
    return top // bottom
''',
    "nearest": '''\
def nearest(top, bottom):
    """The nearest integer; of two that are equally near, the even one."""
    twice = (2 * top + bottom) // (2 * bottom)
    return twice - 1 if (2 * top + bottom) % (2 * bottom) == 0 and twice % 2 else twice
''',
    "power": '''\
def power(base, exponent):
    """An integer power."""
    if exponent < 0:
        raise ValueError(f"{base}^{exponent} is not an integer: outside the formula's domain")
    return base**exponent
''',
}
PYTHON = Language(
    "python",
    {
        "add": Operator(" + ", 10),
        "multiply": Operator(" * ", 30),
        "power": Operator("{0}**{1}", 40, (41, 40)),
        "raise": Operator("power({all})"),
        "negate": Operator("-{0}", 20, (30,)),
        "modulo": Operator("{0} % {1}", 25, (25, 31)),
        "floor": Operator("{0} // {1}", 25, (25, 31)),
        "floor of ratios": Operator("floor_of_ratio({all})"),
        "divide": Operator("divide({all})"),
        "round": Operator("nearest({all})"),
        "least": Operator("min({all})"),
        "greatest": Operator("max({all})"),
        "real_round": Operator("round({0})"),
        "real_max": Operator("max({0}, {1})"),
        "real_min": Operator("min({0}, {1})"),
        "divides": Operator("{1} % {0} == 0", 5, (31, 25)),
        "not divides": Operator("{1} % {0} != 0", 5, (31, 25)),
        **{sign: Operator(f"{{0}} {sign} {{1}}", 5, (10, 10)) for sign in WORDS if "divides" not in sign},
    },
    real="float({0})",
    ratio="({0} / {1})",
    lower="float({0} // 1)",
    reserved=frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_HELPERS, "math", "value", "least")),
    suffix=".py",
)


def python(program: Program) -> str:
    """A module with the function."""
    arguments = program.arguments()
    names = identifiers([e.letter for e in arguments], {*PYTHON.reserved, program.name})
    language = spoken(PYTHON, names, program.ratios)
    signature = [names[e.letter] + ("" if e.letter in program.needed else "=None") for e in arguments]
    integers = [e for e in arguments if not e.rational]
    body = [f"def {program.name}({', '.join(signature)}):"]
    body += [f'    """{program.heading[0]}', "", *(f"    {line}" for line in described(arguments, names)), '    """']
    if integers:
        pairs = ", ".join(f"({names[e.letter]}, {e.minimum})" for e in integers)
        body += [
            f"    for value, least in ({pairs},):",
            "        if value is not None and (type(value) is not int or value < least):",
            '            raise ValueError(f"expected an integer of at least {least}, got {value!r}")',
        ]
    for e in arguments:
        if e.rational:
            name, bound = names[e.letter], "<= 0" if e.minimum > 0 else "< 0"
            given = "" if e.letter in program.needed else f"{name} is not None and "
            body += [f"    if {given}{name} {bound}:"]
            body += [f'        raise ValueError(f"expected a positive ratio, got {{{name}}}")']
            otherwise = "" if e.letter in program.needed else f" if {name} is not None else (None, None)"
            parts = f"{name}.numerator, {name}.denominator"
            parts = f"({parts}){otherwise}" if otherwise else parts
            body += [f"    {name}{TOP}, {name}{BOTTOM} = {parts}  # of an int or a Fraction"]
    for condition in program.conditions:
        optional = [names[s.name] for s in sorted(condition.symbols, key=str) if s.name not in program.needed]
        asked = "".join(f"{name} is not None and " for name in optional)
        body += [f"    if {asked}not {holds(language, condition, program.ratios)}:"]
        body += [f'        raise ValueError("outside the formula\'s domain: {condition} is required")']
    body.append(f"    return {language.exact(*quotient(program.total, program.ratios))}")
    text = "\n".join(body)
    helpers = used(_HELPERS, text)
    imports = ["import math\n"] if "math.floor" in "".join(helpers) else []
    return "\n".join([*(f"# {line}" for line in program.heading), "", *imports, *helpers, text]) + "\n"
