"""C: integers of 64 bits, every operation checked; what does not fit is refused by the value -1."""

from __future__ import annotations

from symcount.code.conditions import holds
from symcount.code.integers import BOTTOM, TOP, quotient
from symcount.code.language import Language, Operator
from symcount.code.program import Program, described, identifiers, spoken, used
from symcount.exact.arithmetic import WORDS

__all__ = ["C", "c"]

_ROOM = "/* what leaves 64 bits, divides by zero or is no integer is refused in the end */"
_HELPERS = {
    **{
        name: f"""\
static int64_t {name}(int64_t a, int64_t b) {{
    int64_t result = 0;
    if (__builtin_{builtin}_overflow(a, b, &result)) refused = 1;
    return result;
}}
"""
        for name, builtin in (("add", "add"), ("multiply", "mul"))
    },
    "floor_of": """\
static int64_t floor_of(int64_t top, int64_t bottom) {
    if (bottom == 0 || (top == INT64_MIN && bottom == -1)) {
        refused = 1;
        return 0;
    }
    return top / bottom - (top % bottom != 0 && (top < 0) != (bottom < 0));
}
""",
    "modulo": """\
static int64_t modulo(int64_t number, int64_t by) {
    int64_t quotient = floor_of(number, by);
    return refused ? 0 : number - by * quotient;
}
""",
    "divide": """\
static int64_t divide(int64_t top, int64_t bottom) {
    if (modulo(top, bottom) != 0) refused = 1;
    return floor_of(top, bottom);
}
""",
    "floor_of_ratio": """\
static int64_t floor_of_ratio(int64_t top, int64_t bottom, double approximate) {
    int64_t result = floor_of(top, bottom);
    if ((double)result != floor(approximate)) refused = 1; /* the model itself would be rounded to another number */
    return result;
}
""",
    "nearest": """\
static int64_t nearest(int64_t top, int64_t bottom) {
    int64_t over = add(multiply(2, top), bottom), under = multiply(2, bottom), twice = floor_of(over, under);
    return twice - (modulo(over, under) == 0 && modulo(twice, 2) == 1);
}
""",
    "power": """\
static int64_t power(int64_t base, int64_t exponent) {
    int64_t result = 1;
    if (exponent < 0) refused = 1;
    for (; exponent > 0 && !refused; exponent--) result = multiply(result, base);
    return result;
}
""",
    "least": "static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }\n",
    "greatest": "static int64_t greatest(int64_t a, int64_t b) { return a > b ? a : b; }\n",
    "divides": """\
static int divides(int64_t divisor, int64_t number) {
    return divisor == -1 || (divisor != 0 && number % divisor == 0);
}
""",
    "keeps": """\
static int keeps(int64_t divisor, int64_t number) {
    return divisor != -1 && divisor != 0 && number % divisor != 0;
}
""",
}
_RESERVED = (
    "alignas alignof auto bool break case char const constexpr continue default do double else enum extern false float "
    "for goto if inline int long main nullptr register restrict return short signed sizeof static static_assert struct "
    "switch thread_local true typedef typeof typeof_unqual union unsigned void volatile while int64_t INT64_MIN floor "
    "fmax fmin refused result"
)
C = Language(
    "c",
    {
        "add": Operator("add({all})", pairs=True),
        "multiply": Operator("multiply({all})", pairs=True),
        "power": Operator("power({all})"),
        "negate": Operator("multiply(-1, {0})"),
        "modulo": Operator("modulo({all})"),
        "floor": Operator("floor_of({all})"),
        "floor of ratios": Operator("floor_of_ratio({all})"),
        "divide": Operator("divide({all})"),
        "round": Operator("nearest({all})"),
        "least": Operator("least({all})", pairs=True),
        "greatest": Operator("greatest({all})", pairs=True),
        "real_round": Operator("nearbyint({0})"),  # an exact half to the even neighbour
        "real_max": Operator("fmax({0}, {1})"),
        "real_min": Operator("fmin({0}, {1})"),
        "divides": Operator("divides({all})"),
        "not divides": Operator("keeps({all})"),
        **{sign: Operator(f"{{0}} {sign} {{1}}", 5, (10, 10)) for sign in WORDS if "divides" not in sign},
    },
    number=lambda value: str(value) if abs(value) < 2**31 else f"INT64_C({value})",
    real="(double){0}",
    ratio="((double){0} / (double){1})",
    lower="floor({0})",
    reserved=frozenset((*_RESERVED.split(), *_HELPERS)),
    suffix=".c",
)


def c(program: Program) -> str:
    """A file with the function, for a compiler with GCC's checked arithmetic (GCC, Clang)."""
    arguments = program.arguments()
    names = identifiers([e.letter for e in arguments], {*C.reserved, program.name})
    language = spoken(C, names, program.ratios)
    signature: list[str] = []
    tests: list[str] = []
    for e in arguments:
        name = names[e.letter]
        signature += [f"int64_t {n}" for n in ((name + TOP, name + BOTTOM) if e.rational else (name,))]
        tests.append(
            f"{name}{TOP} < {min(e.minimum, 1)} || {name}{BOTTOM} < 1" if e.rational else f"{name} < {e.minimum}"
        )
    lines = ["refused = 0;", f"if ({' || '.join(tests)}) return -1;"] if tests else ["refused = 0;"]
    lines += [
        f"if (!({holds(language, condition, program.ratios)})) return -1; /* {condition} */"
        for condition in program.conditions
    ]
    lines.append(f"int64_t total = {language.exact(*quotient(program.total, program.ratios))};")
    lines.append("return refused ? -1 : total;")
    text = (
        f"int64_t {program.name}({', '.join(signature) or 'void'}) {{\n" + "\n".join(f"    {x}" for x in lines) + "\n}"
    )
    said = (
        *program.heading,
        *described(arguments, names),
        "The result is -1 outside the domain, and where it or a step",
    )
    comment = "\n".join(["/*", *(f" * {line}" for line in said)])
    comment += "\n * towards it does not fit into 64 bits.\n */"
    helpers = used(_HELPERS, text)
    maths = ["#include <math.h>"] if "floor_of_ratio(" in text else []
    return "\n".join([comment, *maths, "#include <stdint.h>", "", _ROOM, "static _Thread_local int refused;", "",
                      *helpers, text]) + "\n"  # fmt: skip
