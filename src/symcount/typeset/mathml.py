r"""LaTeX to MathML, which every browser shows without a network.

The translation covers what this package prints and what an author may sensibly ask of a symbol; a command that it does
not know is an error with its name, never a gap on the page.

>>> mathml("H^2")
'<math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>H</mi><mn>2</mn></msup></math>'
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from symcount.errors import NotationError
from symcount.typeset.tex import Atom, Command, Fence, Node, Row, Rows, Script, Words, parse

__all__ = ["SYMBOLS", "mathml"]

_LETTERS = {
    name: chr(code)
    for name, code in zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau "
        "upsilon phi chi psi omega".split(),
        range(0x3B1, 0x3CA),
        strict=True,
    )
} | {"ell": "ℓ", "hbar": "ℏ", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
     "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "varepsilon": "ε", "varphi": "φ", "vartheta": "ϑ",
     "infty": "∞"}  # fmt: skip
_SIGNS = {
    "cdot": "·", "times": "×", "approx": "≈", "mid": "∣", "leq": "≤", "geq": "≥", "neq": "≠", "lfloor": "⌊",
    "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "min": "min", "max": "max", "bmod": "mod", "prime": "′",
    "nmid": "∤",
    "sum": "∑", "%": "%", "_": "_", "#": "#", "{": "{", "}": "}", "star": "⋆", "ast": "∗", "mathcal": "",
}  # fmt: skip
_SPACES = {",": 0.17, ":": 0.22, ";": 0.28, "quad": 1.0, "qquad": 2.0, " ": 0.25}
_ALPHABETS = {"mathcal": "script", "mathbf": "bold", "mathbb": "double-struck", "boldsymbol": "bold"}
# command -> the sign it stands for
SYMBOLS: Mapping[str, str] = {**_LETTERS, **_SIGNS}


def mathml(latex: str, *, display: bool = False) -> str:
    """*latex* as a `<math>` element.

    Raises:
        NotationError: it cannot be read, or has a command without a translation.
    """
    how = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{how}>{_row(parse(latex))}</math>'


def _node(node: Node) -> str:
    match node:
        case Row():
            return f"<mrow>{_row(node)}</mrow>" if len(node.items) != 1 else _node(node.items[0])
        case Words(font, text):
            style = {"mathtt": ' style="font-family:monospace"', "mathsf": ' style="font-family:sans-serif"'}.get(font)
            return f"<mtext{style or ''}>{escape(text)}</mtext>"
        case Script(Command("underbrace", (body,)), sub):
            brace = _braced(body)
            return f"<munder>{brace}{_node(sub)}</munder>" if sub is not None else brace
        case Script(base, sub, sup):
            parts = "".join(_node(p) for p in (base, sub, sup) if p is not None)
            if base == Atom(r"\sum") and sub is not None and sup is not None:
                return f"<munderover>{parts}</munderover>"
            tag = "msubsup" if sub is not None and sup is not None else "msub" if sub is not None else "msup"
            return f"<{tag}>{parts}</{tag}>"
        case Fence(left, body, right):
            return f"<mrow>{_fence(left)}{_row(body)}{_fence(right)}</mrow>"
        case Rows(lines):
            rows = "".join(f"<mtr>{''.join(_mtd(i, cell) for i, cell in enumerate(line))}</mtr>" for line in lines)
            return f'<mtable displaystyle="true">{rows}</mtable>'
        case Command("frac", (top, bottom)):
            return f"<mfrac>{_node(top)}{_node(bottom)}</mfrac>"
        case Command(name, (body,)) if name in _ALPHABETS:
            return f'<mstyle mathvariant="{_ALPHABETS[name]}">{_node(body)}</mstyle>'
        case Command("underbrace", (body,)):
            return _braced(body)
        case Atom(text):
            return _atom(text)
    raise NotationError(f"\\{node.name} cannot be shown as MathML; write it for LaTeX only, or without that command")


def _mtd(column: int, cell: Row) -> str:
    """A cell of an alignment: right and left in turn, as in amsmath, and not spaced like a matrix."""
    shown = _row(cell)
    if _signed(cell):
        shown = shown.replace("<mo ", '<mo form="infix" ', 1)
    side = "left" if column % 2 else "right"
    return f'<mtd style="text-align:{side};padding:.25em 0">{shown}</mtd>'


def _signed(row: Row) -> bool:
    """Whether a cell begins with a sign or a relation, which belongs to the line before."""
    rest = [item for item in row.items if not (isinstance(item, Atom) and item.text in (r"\quad", r"\qquad"))]
    return bool(rest) and rest[0] in (Atom("+"), Atom("-"), Atom("="))


def _braced(body: Row) -> str:
    """What a brace is under: a line, since browsers do not stretch a brace to the width of a wide sum."""
    return f'<mrow style="border-bottom:1px solid;padding-bottom:3px">{_row(body)}</mrow>'


def _row(row: Row) -> str:
    return "".join(map(_node, row.items))


def _fence(sign: str) -> str:
    return f"<mo fence='true' stretchy='true'>{escape(SYMBOLS.get(sign.removeprefix(chr(92)), sign))}</mo>"


def _atom(text: str) -> str:
    if text[0].isdigit():
        return f"<mn>{text}</mn>"
    if text.isalpha():
        return f"<mi>{text}</mi>"
    if not text.startswith("\\"):
        return f"<mo stretchy='false'>{'−' if text == '-' else escape(text)}</mo>"
    name = text[1:]
    if name in _SPACES:
        return f'<mspace width="{_SPACES[name]}em"/>'
    if name in _LETTERS:
        return f"<mi>{_LETTERS[name]}</mi>"
    if name in ("min", "max"):
        return f"<mi>{name}</mi>"
    if name == "bmod":
        return "<mo lspace='.3em' rspace='.3em'>mod</mo>"
    if name in _SIGNS:
        return f"<mo stretchy='false'>{escape(_SIGNS[name])}</mo>"
    raise NotationError(f"{text} cannot be shown as MathML; write it for LaTeX only, or without that command")
