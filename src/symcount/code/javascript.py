"""JavaScript: BigInt, so integers of any size; a ratio is two of them, its numerator and its denominator."""

from __future__ import annotations

from symcount.code.conditions import holds
from symcount.code.integers import BOTTOM, TOP, quotient
from symcount.code.language import Language, Operator
from symcount.code.program import Program, described, identifiers, spoken, used
from symcount.exact.arithmetic import WORDS

__all__ = ["HELPERS", "JAVASCRIPT", "javascript"]

HELPERS = {
    "integer": """\
function integer(value, least) {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new RangeError(`${value} is no exact integer`);
  const number = BigInt(value);
  if (number < least) throw new RangeError(`expected an integer of at least ${least}, got ${value}`);
  return number;
}
""",
    "floor": """\
function floor(top, bottom) {
  const quotient = top / bottom;
  return top % bottom !== 0n && (top < 0n) !== (bottom < 0n) ? quotient - 1n : quotient;
}
""",
    "modulo": """\
function modulo(number, by) {
  return number - by * floor(number, by);
}
""",
    "divide": """\
function divide(top, bottom) {
  if (top % bottom !== 0n) throw new RangeError(`${top}/${bottom} is not an integer: outside the formula's domain`);
  return top / bottom;
}
""",
    "floorOfRatio": """\
function floorOfRatio(top, bottom, approximate) {
  const found = floor(top, bottom);
  if (Number(found) !== Math.floor(approximate)) {
    throw new RangeError(`floor(${top}/${bottom}) depends on floating-point rounding; use a ratio with few digits`);
  }
  return found;
}
""",
    "nearest": """\
function nearest(top, bottom) {
  const twice = floor(2n * top + bottom, 2n * bottom);
  return modulo(2n * top + bottom, 2n * bottom) === 0n && modulo(twice, 2n) === 1n ? twice - 1n : twice;
}
""",
    "nearestOf": """\
function nearestOf(number) {
  const found = Math.round(number);
  return found - number === 0.5 && found % 2 !== 0 ? found - 1 : found;
}
""",
    "least": "const least = (...numbers) => numbers.reduce((a, b) => (b < a ? b : a));\n",
    "greatest": "const greatest = (...numbers) => numbers.reduce((a, b) => (b > a ? b : a));\n",
    "divides": "const divides = (divisor, number) => divisor !== 0n && number % divisor === 0n;\n",
    "keeps": "const keeps = (divisor, number) => divisor !== 0n && number % divisor !== 0n;\n",
}
_RESERVED = (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export "
    "extends false finally for function get if implements import in instanceof interface let new null of package "
    "private protected public return set static super switch this throw true try typeof undefined var void while with "
    "yield BigInt Infinity Math NaN Number RangeError"
)
_SIGNS = {"==": "===", "!=": "!=="}
JAVASCRIPT = Language(
    "javascript",
    {
        "add": Operator(" + ", 10),
        "multiply": Operator(" * ", 30),
        "power": Operator("{0} ** {1}", 40, (41, 40)),
        "negate": Operator("-{0}", 20, (41,)),
        "modulo": Operator("modulo({all})"),
        "floor": Operator("floor({all})"),
        "floor of ratios": Operator("floorOfRatio({all})"),
        "divide": Operator("divide({all})"),
        "round": Operator("nearest({all})"),
        "least": Operator("least({all})"),
        "greatest": Operator("greatest({all})"),
        "real_round": Operator("nearestOf({0})"),
        "real_max": Operator("Math.max({0}, {1})"),
        "real_min": Operator("Math.min({0}, {1})"),
        "divides": Operator("divides({all})"),
        "not divides": Operator("keeps({all})"),
        **{s: Operator(f"{{0}} {_SIGNS.get(s, s)} {{1}}", 5, (10, 10)) for s in WORDS if "divides" not in s},
    },
    number="{}n".format,
    real="Number({0})",
    ratio="(Number({0}) / Number({1}))",
    lower="Math.floor({0})",
    reserved=frozenset((*_RESERVED.split(), *HELPERS)),
    suffix=".mjs",
)


def javascript(program: Program) -> str:
    """A module that exports the function."""
    arguments = program.arguments()
    names = identifiers([e.letter for e in arguments], {*JAVASCRIPT.reserved, program.name})
    language = spoken(JAVASCRIPT, names, program.ratios)
    signature: list[str] = []
    body: list[str] = []
    for e in arguments:
        name = names[e.letter]
        if e.rational:
            for part, least in ((name + TOP, min(e.minimum, 1)), (name + BOTTOM, 1)):
                signature.append(part)
                given = "" if e.letter in program.needed else f"if ({part} !== undefined) "
                body.append(f"  {given}{part} = integer({part}, {least}n);")
        else:
            signature.append(name)
            given = "" if e.letter in program.needed else f"if ({name} !== undefined) "
            body.append(f"  {given}{name} = integer({name}, {e.minimum}n);")
    for condition in program.conditions:
        optional = [
            names[s.name] + (TOP if s.name in program.ratios else "")
            for s in sorted(condition.symbols, key=str)
            if s.name not in program.needed
        ]
        asked = "".join(f"{name} !== undefined && " for name in optional)
        condition_holds = holds(language, condition, program.ratios)
        body.append(f"  if ({asked}!({condition_holds})) {{")
        body += [f'    throw new RangeError("outside the formula\'s domain: {condition} is required");', "  }"]
    body.append(f"  return {language.exact(*quotient(program.total, program.ratios))};")
    text = "\n".join([f"export function {program.name}({', '.join(signature)}) {{", *body, "}"])
    comment = [f"// {line}" for line in (*program.heading, *described(arguments, names))]
    return "\n".join([*comment, "", *used(HELPERS, text), text]) + "\n"
