"""Texts as a person may type them: names, numbers, ranges, budgets, expressions; some right, most of them not."""

from __future__ import annotations

from random import Random

LETTERS = ["H", "N", "I", "V", "L", "A", "T"]
FIELDS = ["hidden_size", "n_embd", "num_hidden_layers", "vocab_size", "intermediate_size"]
STRANGE = [
    "",
    " ",
    "=",
    "-",
    "--",
    "\u0000",
    "\u202e",
    "é",
    "Ｈ",
    "ℌ",
    "H_",
    "__class__",
    "__import__('os')",
    "H.__class__",
    "H[0]",
    "lambda: 1",
    "exec",
    "None",
    "True",
    "nan",
    "inf",
    "1e400",
    "0x10",
    "1_0",
    "1__0",
    "٣",
    "½",
    "9" * 5000,
    "H" * 5000,
    "%s%n",
    "{}",
    "$H$",
    "\\input{/etc/passwd}",
    "\\write18{ls}",
    "a\nb",
    "a\tb",
    "'",
    '"',
    "`",
    ";",
    "#",
    "|",
    "&",
    "\\",
    "\\",
    "}",
    "{",
    "}{",
    "^",
    "_",
    "~",
    "\\end{document}",
    "H=",
    "=H",
    "[",
    "]",
    "(",
    ")",
    "*",
    "**",
    "//",
    "%",
    "@",
    "!",
]
MODELS = [
    "bert",
    "gpt2",
    "llama",
    "t5",
    "vit",
    "mixtral",
    "LlamaForCausalLM",
    "BertForMaskedLM",
    "deepseek_v3",
    "mamba",
]
ABSURD = [
    "9**9**9",
    "9**9**9**9",
    "H**H",
    "H**9",
    "2**-1",
    "H**-1",
    "+".join(["H"] * 10_000),
    "+".join(["H"] * 240),
    "(" * 200 + "H" + ")" * 200,
    "(" * 90 + "H" + ")" * 90,
    "-" * 400 + "H",
    "-" * 99 + "H",
    "1" * 499,
    "1" * 10**6,
    "H*" * 200 + "H",
    "(H+N+I+1)**8*(H+N+I+2)**8*(H+N+I+3)**8*(H+N+I+4)**8",
    "((H+1)*(N+1))**8 - ((H+2)*(N+2))**8",
    "floor(" * 30 + "H/7" + ")" * 30,
    "floor(floor(floor(H/3)/5 + N/2)/7 + H/11)",
    "abs(" * 30 + "H-7" + ")" * 30,
    "max(" + ",".join(f"H*{i}+N" for i in range(40)) + ")",
    "min(" + ",".join(["H", "N", "I"] * 40) + ")",
    "round_to(round_to(H, 7), N)",
    "H/0",
    "H//0",
    "H%0",
    "1/(H-H)",
    "0**0",
    "(H-H)**0",
    "1e308*10",
    "1e-300",
    "H % (N - N)",
    "max()",
    "floor(H, N)",
    "floor(x=H)",
    "floor(*[H])",
    "[H for H in N]",
    "H if N else I",
    "H := 3",
    "H == N == I",
    "not H",
    "H and N",
    "H < N < I < V",
    "H in N",
    "H is N",
    "H @ N",
    "H << 2",
    "~H",
    "H | N",
    "H,N",
    "{H}",
    "f'{H}'",
    "await H",
    "yield",
    "...",
    "1j",
    "'H'",
    "b'H'",
]


def expression(rng: Random, depth: int = 3) -> str:
    """An expression of the grammar that is read, or one that is not."""
    if depth == 3 and rng.random() < 0.2:
        return damaged(rng.choice(ABSURD), rng)
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(
            [
                *LETTERS[:4],
                *LETTERS[:4],
                *FIELDS,
                str(rng.randint(0, 300)),
                "0.5",
                "1e3",
                rng.choice(STRANGE) if rng.random() < 0.05 else "7",
            ]
        )
    a, b = expression(rng, depth - 1), expression(rng, depth - 1)
    form = rng.choice(
        [
            "{a}+{b}",
            "{a}-{b}",
            "{a}*{b}",
            "{a}/{b}",
            "({a})//({b})",
            "({a})%({b})",
            "({a})**{n}",
            "-({a})",
            "floor({a})",
            "ceil({a})",
            "abs({a})",
            "min({a},{b})",
            "max({a},{b})",
            "round_to({a},{b})",
            "({a})",
            "({a}+{b})**{n}",
        ]
    )
    return damaged(form.format(a=a, b=b, n=rng.randint(0, 9)), rng, 0.02)


def condition(rng: Random) -> str:
    """One comparison, or several."""
    parts = [f"{expression(rng, 2)} {rng.choice(['<', '<=', '==', '!=', '>=', '>', '%', 'in'])} {expression(rng, 2)}"]
    while rng.random() < 0.3:
        parts.append(f"{rng.choice(['and', 'or', '<', '=='])} {expression(rng, 1)}")
    known = ["H % A == 0", "16 <= H/N <= 128", "H % 64 == 0", "N in (6, 12) or H > 512", "not (H < N and N != 3)"]
    return damaged(rng.choice([" ".join(parts), *known]), rng, 0.1)


def number(rng: Random) -> str:
    """A number, mostly."""
    return damaged(
        rng.choice(
            [
                "768",
                "1_000",
                "30,000",
                "12",
                "1",
                "0",
                "-1",
                "1e3",
                "7.5",
                "+4",
                "2" * 30,
                "9" * 400,
                "9" * 401,
                "0.1",
                "1/2",
                "07",
            ]
        ),
        rng,
        0.2,
    )


def budget(rng: Random) -> str:
    """A budget, mostly."""
    sign = rng.choice(["", "", "", "<=", ">= ", "at most ", "≥", "≤", "~", "<"])
    count = rng.choice(
        [
            "110M",
            "1.3B",
            "7b",
            "110_000_000",
            "124,439,808",
            "0",
            "1",
            "1.5",
            "12.5k",
            "1T",
            "1e9",
            "9" * 58,
            "0.0000001T",
        ]
    )
    own = rng.choice(["", "", "", " ± 0.1%", "±5%", "+-1M", "+/- 10", "±", "± 1% ± 2%", "±-1%", "± +1%"])
    return damaged(sign + count + own, rng, 0.15)


def tolerance(rng: Random) -> str | None:
    """A tolerance, mostly."""
    return rng.choice(
        [
            None,
            None,
            damaged(rng.choice(["1%", "0.1%", "500k", "-1%", "+1%", "0", "0%", "101%", "1e3%", "-500%"]), rng, 0.1),
        ]
    )


def span(rng: Random) -> str:
    """A range, mostly."""
    made = rng.choice(
        [
            "256..4096:64",
            "1..96",
            "64..:64",
            "..",
            ":64",
            "..9",
            "5",
            "9..1",
            "0..4",
            "1..2:0",
            "1..1" + "0" * 40,
            "1..2:3:4",
            "..:",
            "-1..3",
            "1...3",
            "1..9" * 40,
        ]
    )
    return damaged(made, rng, 0.15)


def name(rng: Random) -> str:
    """A letter, a field, or something else."""
    return rng.choice([*LETTERS, *FIELDS, *LETTERS, rng.choice(STRANGE), damaged(rng.choice(FIELDS), rng, 0.5)])


def model(rng: Random) -> str:
    """A model's name, mostly."""
    return rng.choice([*MODELS, *MODELS, damaged(rng.choice(MODELS), rng, 0.5), rng.choice(STRANGE)])


def damaged(text: str, rng: Random, share: float = 0.1) -> str:
    """*text*, a *share* of the time with something put in, taken out or repeated."""
    if rng.random() >= share:
        return text
    at = rng.randrange(len(text) + 1)
    return rng.choice(
        [
            text[:at] + rng.choice(STRANGE) + text[at:],
            text[:at] + text[at + 1 :],
            text[:at] + text,
            text.upper(),
            text + " ",
            text * 50,
            text[::-1],
            text[:at] + chr(rng.randrange(0x110000)) + text[at:],
        ]
    )
