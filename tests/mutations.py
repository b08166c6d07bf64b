"""Breakages of the source, each of which some test must notice.

    python tests/mutations.py            # all of them
    python tests/mutations.py tie share  # those with these words in their names

Each breakage replaces a text of one file in a copy of the repository and runs the few tests that are to catch it there.
Exit code 1 if one survives, if the text is no longer in the source, or if its tests fail without any breakage.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mutation:
    """What is broken: a text of a file of `src/symcount`, what stands in its place, and the tests that must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


PROPERTIES = "tests/properties/test_trees.py"
MUTATIONS = (
    Mutation(
        "a bias forgotten",
        "layers/linear.py",
        'Parameter("bias", (rows,))) if bias else parameters)',
        'Parameter("bias", (rows,))) if not bias else parameters)',
        "tests/test_layers.py",
    ),
    Mutation(
        "a tie ignored",
        "core/ledger.py",
        "        if row.alias_of is not None:\n            return ZERO",
        "        if False:\n            return ZERO",
        "tests/test_ledger.py",
    ),
    Mutation(
        "a depth off by one",
        "core/tree.py",
        "repeat=expr(count)),))",
        "repeat=expr(count) - 1),))",
        "tests/test_ledger.py",
    ),
    Mutation(
        "a list inside a list counted once",
        "core/ledger.py",
        "repeat * block.repeat, active",
        "block.repeat, active",
        f"{PROPERTIES}::test_repeating_commutes_with_counting",
    ),
    Mutation(
        "two conventions swapped",
        "core/ledger.py",
        'if convention == "per_layer":',
        'if convention == "unique":',
        "tests/test_ledger.py",
    ),
    Mutation(
        "a frozen flag lost",
        "core/ledger.py",
        'if convention == "trainable" and not row.trainable:',
        'if convention == "trainable" and False:',
        "tests/test_ledger.py",
    ),
    Mutation(
        "the experts' active share dropped",
        "core/ledger.py",
        'return row.repeat * row.active if convention == "active" else row.repeat',
        "return row.repeat",
        "tests/test_layers.py",
    ),
    Mutation(
        "a role that does not reach the layers below",
        "core/ledger.py",
        "block.role or role",
        "block.role",
        "tests/test_ledger.py tests/test_architecture.py tests/published/test_published.py",
    ),
    Mutation(
        "one module at two places counted twice",
        "core/ledger.py",
        "        if row.same_layer:\n            return False",
        "        if False:\n            return False",
        f"{PROPERTIES} tests/test_ledger.py tests/test_verify.py",
    ),
    Mutation(
        "a tensor that no layer has counted at every name",
        "core/ledger.py",
        "return row.leaf if any(h.leaf for h in holders) else row.alias_of is None",
        "return row.leaf if any(h.leaf for h in holders) else True",
        "tests/test_ledger.py",
    ),
    Mutation(
        "a domain condition dropped",
        "layers/attention.py",
        ".given(divides(expr(heads), h))",
        "",
        "tests/test_layers.py",
    ),
    Mutation(
        "divisor and number exchanged",
        "exact/arithmetic.py",
        '"divides": lambda a, b: a != 0 and b % a == 0,',
        '"divides": lambda a, b: b != 0 and a % b == 0,',
        "tests/test_domain.py",
    ),
    Mutation(
        "a condition taken for one that always holds",
        "core/domain.py",
        "return bool((condition.right / condition.left).is_integer)",
        "return True",
        "tests/test_domain.py",
    ),
    Mutation(
        "floor made ceiling",
        "exact/arithmetic.py",
        '        raise DomainError(f"floor({top}/{bottom}) divides by zero")\n    return top // bottom',
        '        raise DomainError(f"floor({top}/{bottom}) divides by zero")\n    return -(-top // bottom)',
        "tests/test_evaluate.py",
    ),
    Mutation(
        "a division that leaves a remainder accepted",
        "exact/evaluate.py",
        "        if remainder if isinstance(remainder, int | Fraction) else remainder.any():",
        "        if False:",
        "tests/test_evaluate.py",
    ),
    Mutation(
        "an alias ignored",
        "core/notation.py",
        "            target = canonical(last)\n",
        "            target = last\n",
        "tests/test_notation.py",
    ),
    Mutation(
        "of two spellings the wrong one",
        "config/config.py",
        "self.fields[said[-1]] if said else",
        "self.fields.get(field, self.fields[said[-1]]) if said else",
        "tests/test_configs.py::test_of_a_field_and_its_alias_the_alias_counts_as_in_the_real_config",
    ),
    Mutation(
        "a given value overridden by the rule that fills it in",
        "core/values.py",
        "for letter, rule in filled.items() if letter not in values}",
        "for letter, rule in filled.items()}",
        "tests/test_formula.py tests/test_configs.py",
    ),
    Mutation(
        "zero taken for a positive number",
        "core/values.py",
        "    if number < entry.minimum:",
        "    if number < 0:",
        "tests/test_formula.py",
    ),
    Mutation(
        "a solver's bound off by one",
        "solver/search.py",
        "return low, np.minimum(high, rest // -slope)",
        "return low, np.minimum(high, rest // -slope - 1)",
        "tests/solver/test_brute_force.py",
    ),
    Mutation(
        "a solver's divisibility forgotten",
        "solver/search.py",
        "mask & (evaluate(test.quotient.top, columns) % evaluate(test.quotient.bottom, columns) == 0)",
        "mask & (evaluate(test.quotient.top, columns) == evaluate(test.quotient.top, columns))",
        "tests/solver/test_brute_force.py::test_every_condition_on_every_point",
    ),
    Mutation(
        "a budget's window rounded outwards",
        "solver/budget.py",
        'target if side == "-" else floor(target + allowed)',
        'target if side == "-" else ceil(target + allowed)',
        "tests/solver/test_reading.py",
    ),
    Mutation(
        "a difference taken downwards",
        "formulas/algebra.py",
        "total.subs(s, s + by) - total",
        "total - total.subs(s, s - by)",
        f"{PROPERTIES}::test_the_derivative_is_the_limit_of_the_difference",
    ),
    Mutation(
        "the limit of 64 bits too high",
        "exact/vector.py",
        "LIMIT = 2**63 - 1",
        "LIMIT = 2**64",
        "tests/test_big_numbers.py",
    ),
    Mutation(
        "shapes compared by their length",
        "verification/matching.py",
        "if free.get(name) == shape and",
        "if len(free.get(name, ())) == len(shape) and",
        "tests/test_verify.py",
    ),
    Mutation(
        "a stored formula used outside its domain",
        "atlas/variant.py",
        "if not holds(next(sides), next(sides)):",
        "if not (holds(next(sides), next(sides)) or True):",
        "tests/atlas/test_count_cli.py tests/atlas/test_entries.py tests/test_configs.py",
    ),
    Mutation(
        "a config's null read as a number left out",
        "atlas/schema.py",
        "                    if not number.null:",
        "                    if False:",
        "tests/atlas/test_schema.py",
    ),
    Mutation(
        "derive: a floor taken upwards",
        "concolic/values/operators.py",
        '"floordiv": lambda a, b: a // b,',
        '"floordiv": lambda a, b: -(-a // b),',
        "tests/derivation/test_concolic.py",
    ),
    Mutation(
        "derive: explanations of indices not told apart",
        "derivation/path_search.py",
        "        if unclear and self.refused[None] < PATIENCE:",
        "        if False:",
        "tests/derivation/test_index_sets.py",
    ),
    Mutation(
        "derive: a residue class counted one short",
        "derivation/counting.py",
        "    return ex.sub(ex.floordiv(end, period), below)",
        "    return ex.sub(ex.floordiv(ex.sub(end, ONE), period), below)",
        "tests/derivation/test_counting.py",
    ),
    Mutation(
        "derive: what is left of a last period not counted",
        "derivation/counting.py",
        "    return ex.add(ex.mul(one.width, whole), rest)",
        "    return ex.mul(one.width, whole)",
        "tests/derivation/test_counting.py",
    ),
    Mutation(
        "derive: half of the layers rounded the other way",
        "derivation/literals.py",
        "up=not even, more=even)",
        "up=even, more=even)",
        "tests/derivation/test_counting.py",
    ),
    Mutation(
        "derive: a tensor takes the iterations of one that is gone",
        "concolic/values/path.py",
        "            self.made[id(tensor)] = tensor, where",
        "            self.made[id(tensor)] = None, where",
        "tests/derivation/test_concolic.py",
    ),
    Mutation(
        "derive: the sides of a branch at equal sizes exchanged",
        "derivation/cases.py",
        '    here, there = (equal, differ) if branch.relation == "==" else (differ, equal)',
        '    here, there = (differ, equal) if branch.relation == "==" else (equal, differ)',
        "tests/derivation/test_domains.py",
    ),
    Mutation(
        "derive: what the model's code asks not noted",
        "concolic/values/path.py",
        "    if key not in recorder.conditions:",
        "    if False:",
        "tests/derivation/test_concolic.py",
    ),
    Mutation(
        "derive: what is not less counted as less",
        "derivation/counted_sets.py",
        '            one = ex.indicator("less", *(less if said else more))',
        '            one = ex.indicator("less", *(less if said else less))',
        "tests/derivation/test_counted_sets.py",
    ),
    Mutation(
        "derive: one set counted with the opposite of its condition",
        "exact/evaluate.py",
        "    return ast.BinOp(left=one, op=ast.Sub(), right=_translate_indicator(opposite))",
        "    return _translate_indicator(opposite)",
        "tests/derivation/test_counted_sets.py",
    ),
    Mutation(
        "derive: answers that only very deep models have not asked for",
        "derivation/far_answers.py",
        "_DEPTHS: Final = (20, 300, 1_000, 10_000, 1_000_000)",
        "_DEPTHS: Final = (20,)",
        "tests/derivation/test_index_conditions.py",
    ),
    Mutation(
        "derive: a look-up known beyond what was tried",
        "derivation/multiplicity.py",
        "                if nest and nest[0].name in unknown:",
        "                if False:",
        "tests/derivation/test_index_conditions.py",
    ),
    Mutation(
        "derive: fractions multiplied out on one side only",
        "concolic/values/predicates.py",
        "    more, others = _times(left, common), _times(right, common)",
        "    more, others = _times(left, common), right",
        "tests/derivation/test_index_conditions.py",
    ),
    Mutation(
        "derive: a remainder that is read from a table counted as never asked",
        "derivation/questions.py",
        "        if is_model_code(module) and period.args[0] in _PERIODS:",
        "        if False:",
        "tests/derivation/test_patterns.py",
    ),
    Mutation(
        "atlas: flags that say the same together not told apart",
        "survey/schema/narrowing.py",
        "        total = _totals(probe, {**flipped, path: not value})",
        "        total = _totals(probe, {path: not value})",
        "tests/atlas/test_narrowing.py",
    ),
    Mutation(
        "atlas: a key that the base gives taken for one without influence",
        "survey/schema/narrowing.py",
        "        if left == own:",
        "        if True:",
        "tests/atlas/test_narrowing.py",
    ),
    Mutation(
        "derive: functions put back by another thread stay",
        "concolic/python/patches.py",
        "    while _SKIPS in vars(function):",
        "    while False:",
        "tests/derivation/test_nothing_leaks.py",
    ),
    Mutation(
        "derive: a run of other values taken for one",
        "derivation/runs.py",
        "            if all(same.get(n) == v for n, v in values.items()) and one.symbols.keys() <= values.keys():",
        "            if one.symbols.keys() <= values.keys():",
        "tests/derivation/test_few_layers.py",
    ),
    Mutation(
        "derive: an index that is written out is not noted",
        "concolic/values/carriers.py",
        '            (record_text if spec in ("", "d") else record_hash)(self.node)',
        "            pass",
        "tests/derivation/test_written_out.py",
    ),
    Mutation(
        "derive: a whole float that is no integer",
        "concolic/values/nodes.py",
        "        if not value.is_integer():",
        "        if value == value:",
        "tests/derivation/test_concolic.py",
    ),
    Mutation(
        "derive: everything taken to be followed",
        "derivation/suspicions.py",
        "    return all_expressed(e.default) and nothing_lost(e)",
        "    return all_expressed(e.default)",
        "tests/derivation/test_few_layers.py",
    ),
    Mutation(
        "derive: the number of stages left free",
        "derivation/pinning.py",
        '(n.rpartition(".")[0], int(e.base[n])) in lists]',
        "n in lists]",
        "tests/derivation/test_few_layers.py",
    ),
    Mutation(
        "derive: the elements beside one are not tried",
        "derivation/sensitivity.py",
        "    for change in _BESIDE if names else ():",
        "    for change in ():",
        "tests/derivation/test_few_layers.py",
    ),
    Mutation(
        "derive: a range that may end earlier is not tried beyond",
        "concolic/python/constants.py",
        '            uses.append(Use("range", (before[-1],)))',
        "            pass",
        "tests/derivation/test_index_conditions.py",
    ),
)


def main() -> int:
    """Break, test, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only breakages with one of these in their names")
    words = parser.parse_args().words
    chosen = [m for m in MUTATIONS if not words or any(word in m.name for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory)
        for name in ("src", "tests", "derivations", "benchmarks"):
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
            shutil.copy(ROOT / name, copy)
        sound = {tests: passes(copy, tests) for tests in dict.fromkeys(m.tests for m in chosen)}
        for m in chosen:
            start = time.perf_counter()
            outcome = "its tests fail without it" if not sound[m.tests] else tried(copy, m)
            survived += outcome != "caught"
            print(f"{m.name:52} {m.file:22} {outcome:12} {time.perf_counter() - start:6.1f} s", flush=True)
    print(f"{len(chosen)} breakages, {len(chosen) - survived} caught")
    return min(survived, 1)


def tried(copy: Path, m: Mutation) -> str:
    """What becomes of a breakage."""
    file = copy / "src" / "symcount" / m.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(m.old) != 1:
        return f"its text is there {sound.count(m.old)} times"
    file.write_text(sound.replace(m.old, m.new), encoding="utf-8")
    try:
        return "SURVIVED" if passes(copy, m.tests) else "caught"
    finally:
        file.write_text(sound, encoding="utf-8")


def passes(copy: Path, tests: str) -> bool:
    """Whether these tests pass in the copy.

    Raises:
        RuntimeError: they could not be run at all.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests.split()]
    path = os.pathsep.join([str(copy / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) and "Error" not in done.stdout:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
