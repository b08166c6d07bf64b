"""The outline of a model: what stands before its layers, the layers, what stands after, and what each is made of.

A *section* is a stack of equal layers (`N` copies), or a stretch between two stacks. Its *pieces* are named for what
they do: embeddings, attention, feed-forward, experts, norms, head. The names come from a table of patterns for the
names and classes of modules; a module that none of them fits is called what the model calls it.

>>> import symcount as sc
>>> f = sc.formula("gpt2")
>>> for section in outline(f.tree, f.ledger, "unique"):
...     print(section.repeat, [(piece.title, piece.body.value()) for piece in section.pieces])
1 [('embeddings', H*L + H*V)]
N [('norms', 4*H), ('attention', 4*H**2 + 4*H), ('feed-forward', 8*H**2 + 5*H)]
1 [('final norm', 2*H)]
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, Integer

from symcount.core.ledger import Convention, Ledger, Row
from symcount.core.tree import Block
from symcount.typeset.arrangement import arrange_inside
from symcount.typeset.folding import Folding
from symcount.typeset.terms import Sum

__all__ = ["Piece", "Section", "outline"]

ONE = Integer(1)

# The first of these that fits the name or class of a module in the section, or of a module around it, names the piece.
_PATTERNS = (
    ("cross-attention", r"cross_?att|encoder_attn|EncDecAttention|encdec|multihead_attn"),
    ("attention", r"att(entio)?n|SelfOutput"),
    ("experts", r"expert|moe|router"),
    ("mixer", r"mamba|mixer|ssm|rwkv|recurrent|lstm|gru"),
    ("feed-forward", r"mlp|ffn|feed_?forward|LayerFF|intermediate|^(fc|linear|lin)_?\d$|(Layer|Bert\w*|ViT)Output$"),
    ("convolutions", r"conv"),
)
_RULES = tuple((title, re.compile(pattern, re.IGNORECASE)) for title, pattern in _PATTERNS)
_NORM = re.compile(r"(norm|norm\d[ad]|ln)$|^(ln|norm|bn)_?[a-z0-9]*$|layer_?norm", re.IGNORECASE)
_ATTENTION = _RULES[1][1]
_EXPERT = re.compile(r"expert|router", re.IGNORECASE)
_SHORT_WORD = 14  # letters of a word in a title
_PART = re.compile(r"encoder|decoder|text|vision|audio|image|query|generator|discriminator")
_INNER_NORM = re.compile(r"^(q|k|v|kv|dt|b|c|query|key|value)_")  # part of the attention, not of the residual stream
_EMBEDDING = re.compile(r"embeddings?$|embedder$|^(wte|wpe)$", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A part of a section.

    Attributes:
        title: what it is, unique in the outline.
        category: what it is, in a word that different models share.
        body: what it adds to one copy of the section.
        rows: the tensors it is made of.
    """

    title: str
    category: str
    body: Sum
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """`repeat` equal copies of some pieces."""

    repeat: Expr
    pieces: tuple[Piece, ...]


def outline(tree: Block, ledger: Ledger, convention: Convention, folding: Folding | None = None) -> tuple[Section, ...]:
    """The sections of *tree*, in the order of the model; those that count nothing are left out.

    A list of modules that is folded into sums is one section.
    """
    found = _Outliner(tree, ledger, convention, folding or Folding()).sections()
    return _uniquely_titled([s for s in found if s.pieces])


def _walk(block: Block, above: tuple[Block, ...]) -> Iterator[tuple[Block, ...]]:
    """The blocks around each parameter, in the order of the ledger."""
    chain = (*above, block)
    for _ in block.parameters:
        yield chain
    for child in block.children:
        yield from _walk(child, chain)


Chain = tuple[Block, ...]


@dataclass
class _Run:
    """Rows that follow one another: in one stack, or between two; *home* is the module whose stack came before.

    *folded* is the path of a list that is folded into sums.
    """

    stack: Block | None
    home: Block | None
    last: bool = False
    folded: str = ""
    members: list[tuple[Row, Chain]] = field(default_factory=list)


@dataclass
class _Outliner:
    tree: Block
    ledger: Ledger
    convention: Convention
    folding: Folding
    whole: dict[str, list[Row]] = field(default_factory=dict)

    def sections(self) -> list[Section]:
        runs: list[_Run] = []
        lists: dict[str, _Run] = {}
        home: Block | None = None
        for row, chain in zip(self.ledger, _walk(self.tree, ()), strict=True):
            if (inner := next((b for b in chain if b.repeat != 1), None)) is not None:
                self.whole.setdefault(_path(chain, inner), []).append(row)
            if (family := self.folding.by_row.get(id(row))) is not None:
                path = family.path.partition("*")[0]
                if path not in lists:
                    runs.append(lists.setdefault(path, _Run(None, None, folded=path)))
                lists[path].members.append((row, chain))
                continue
            stack = next((b for b in chain if b.repeat != 1), None)
            if stack is not None:
                home = _home(chain, stack)
            elif home is not None and (home is self.tree or home not in chain):
                home = None
            if not runs or runs[-1].folded or runs[-1].stack is not stack or runs[-1].home is not home:
                runs.append(_Run(stack, home))
            runs[-1].members.append((row, chain))
        stacks = [i for i, run in enumerate(runs) if run.stack is not None or run.folded]
        for run in runs[stacks[-1] + 1 if stacks else len(runs) :]:
            run.last = not run.folded
        return [self._section(run) for run in runs]

    def _section(self, run: _Run) -> Section:
        titles: dict[str, list[Row]] = {}
        for row, chain in run.members:
            if self.ledger.counted(row, self.convention) != 0:
                inner = _Run(_element(chain, run.folded), None) if run.folded else run
                titles.setdefault(_title(row, chain, inner), []).append(row)
        if "experts" in titles and not any(_EXPERT.search(row.tensor) for row in titles["experts"]):
            titles = {("feed-forward" if t == "experts" else t): rows for t, rows in titles.items()}
        pieces = []
        for title, rows in titles.items():
            category = "norms" if title.endswith("norm") else title
            pieces.append(Piece(title, category, self._body(run, rows), tuple(rows)))
        return Section(ONE if run.stack is None else run.stack.repeat, tuple(pieces))

    def _body(self, run: _Run, rows: Sequence[Row]) -> Sum:
        if run.folded:
            families = {id(f): f for row in rows if (f := self.folding.by_row.get(id(row))) is not None}
            return Sum(list(self.folding.series(families.values())))
        if run.stack is not None:
            keep = {id(row) for row in rows}
            members = self.whole[_path(run.members[0][1], run.stack)]
            return arrange_inside(
                run.stack, members, self.ledger, self.convention, lambda row: id(row) in keep, self.folding.single
            )
        body = Sum()
        for row in rows:
            body.add(self.ledger.counted(row, self.convention) * self.folding.single(row))
        return body


def _element(chain: Chain, path: str) -> Block:
    """The element, of the list at *path*, that *chain* goes through."""
    depth = len((path + "x").split("."))
    named = [block for block in chain if block.name]
    return named[min(depth, len(named)) - 1]


def _path(chain: Chain, block: Block) -> str:
    return ".".join(f"{b.name}:{id(b)}" for b in chain[: chain.index(block) + 1])


def _home(chain: Chain, stack: Block) -> Block:
    """The module that has *stack* among its layers: a module that holds nothing else does not count as one."""
    above = chain[1 : chain.index(stack)]
    return next((b for b in reversed(above) if b.kind != "ModuleList" and len(b.children) > 1), chain[0])


def _has_stack(block: Block) -> bool:
    return any(b.repeat != 1 for _, b in block.walk())


def _title(row: Row, chain: Chain, run: _Run) -> str:
    """What the piece is called to which *row* belongs."""
    inside = chain[chain.index(run.stack) + 1 :] if run.stack is not None else chain[1:]
    own = chain[-1]
    norm = bool(_NORM.search(own.kind) or _NORM.search(own.name))
    if row.role == "head":
        return "head"
    attention = any(_ATTENTION.search(b.name) or _ATTENTION.search(b.kind) for b in inside[:-1])
    if run.stack is None:
        if any(b.name == "pooler" for b in inside):
            return "pooler"
        if attention and _EMBEDDING.search(own.kind):
            return "relative positions"
        if row.role == "embedding" or any(_EMBEDDING.search(b.kind) or _EMBEDDING.search(b.name) for b in inside):
            return "embeddings"
        if norm and (own in run.home.children if run.home is not None else run.last and len(inside) == 1):
            return "final norm"
        if run.last and run.home is None:
            return "head"
    named = [b.name for b in inside if b.name.strip("*") and not b.name.isdigit() and not _has_stack(b)]
    if norm and not _INNER_NORM.search(own.name) and (run.stack is not None or len(named) == 1):
        return "norm" if run.stack is None else "norms"
    for title, pattern in _RULES:
        if any(pattern.search(block.name) or pattern.search(block.kind) for block in inside):
            return title
    return (named[0] if named else row.name).replace("_", " ").strip()


def _uniquely_titled(sections: list[Section]) -> tuple[Section, ...]:
    """A title that several pieces have is told apart by the words, or the number, that their paths do not share."""
    groups: dict[str, list[Piece]] = {}
    for piece in (p for s in sections for p in s.pieces):
        groups.setdefault(piece.title, []).append(piece)
    titles: dict[int, str] = {}
    taken: set[str] = set()
    for title, pieces in groups.items():
        names = _told_apart(title, [piece.rows[0].path.split(".") for piece in pieces]) if len(pieces) > 1 else [title]
        for piece, name in zip(pieces, names, strict=True):
            free = (other for other in (name, *(f"{name} {n}" for n in range(2, len(taken) + 3))) if other not in taken)
            titles[id(piece)] = next(free)
            taken.add(titles[id(piece)])
    return tuple(replace(s, pieces=tuple(replace(p, title=titles[id(p)]) for p in s.pieces)) for s in sections)


def _told_apart(title: str, paths: Sequence[Sequence[str]]) -> list[str]:
    """*title* for each of *paths*: `decoder norms` where a word tells them apart, `attention 2` where a number does.

    >>> _told_apart("norms", [["encoder", "layer"], ["decoder", "layer"]])
    ['encoder norms', 'decoder norms']
    >>> _told_apart("norms", [["blocks", "0", "norm"], ["blocks", "3", "norm"]])
    ['norms 0', 'norms 3']
    """
    shared = set.intersection(*map(set, paths))
    own = [[w for w in path if w not in shared and "*" not in w] for path in paths]
    parts = [[_plain(w) for w in words if _PART.search(w)][:1] for words in own]
    numbers = [[w for w in words if w.isdigit()] for words in own]
    words = [[_plain(w) for w in these if not w.isdigit()] for these in own]
    ways = (
        parts,
        [n[:1] for n in numbers],
        [[*p, *n[:1]] for p, n in zip(parts, numbers, strict=True)],
        [w[:1] for w in words],
        [[*w[:1], *n[:1]] for w, n in zip(words, numbers, strict=True)],
    )
    made = [[_joined(title, one) for one in way] for way in ways]
    best = max(made, key=lambda names: len(set(names)))  # of several the first
    firsts = [set(paths[best.index(name)]) for name in best]  # of those that are still alike, the first is called so
    return [_more(title, name, path, first) for name, path, first in zip(best, paths, firsts, strict=True)]


def _more(title: str, name: str, path: Sequence[str], first: Collection[str]) -> str:
    """*name* with the first word of *path* that the path of another of this name has not: `vision head attention`."""
    own = [_plain(w) for w in path if w not in first and w.replace("_", "").isalpha()]
    word = next((w for w in own if w and w not in name and len(w) <= _SHORT_WORD), None)
    return name if word is None else f"{name.removesuffix(title)}{word} {title}"


def _joined(title: str, words: Sequence[str]) -> str:
    """The words before *title* and the numbers behind it."""
    before = [w for w in words if w and not w.isdigit() and w not in title]
    return " ".join([*before, title, *(w for w in words if w.isdigit())])


def _plain(word: str) -> str:
    """A part of a path, as a word; nothing where it says nothing."""
    if word in ("parametrizations", "layers", "blocks", "model", "module", "modules", "weight"):
        return ""
    return re.sub(r"_(model|tower|module|layers?)$", "", word).replace("_", " ")
