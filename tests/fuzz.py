"""Foreign text at every entry point: an answer that is right, or an error that says what is wrong; nothing else.

    python tests/fuzz.py --seconds 300                      # all entry points, by their weights
    python tests/fuzz.py --inputs 20 --entry expressions    # so many inputs a unit of weight, of some entry points only
    python tests/fuzz.py --show expressions 17              # one input again, with its outcome
    python tests/fuzz.py --seeds saved.jsonl                # from files, too, that `saving.py --write` has made

Each input is made from the seed, the entry point's name and a number, and is taken in a process whose memory is bounded
and which is ended when an input takes too long. Exit code 1 if there was a defect.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import entries, mutate
from fuzzing.running import ENTRIES, Worker, made, run

OUTCOMES = ("answered", "checked", "no such model", "refused", "defect")


def main() -> int:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="for all entry points together (default: 60)")
    parser.add_argument(
        "--inputs", type=int, default=0, help="instead: inputs for each unit of an entry point's weight"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", type=float, default=0.05, help="share of answers compared with the real model")
    parser.add_argument("--entry", action="append", help="only entry points with this in their names")
    parser.add_argument("--show", nargs=2, metavar=("ENTRY", "NUMBER"), help="one input again")
    parser.add_argument("--seeds", type=Path, help="configs to start from beside the published ones, one on a line")
    options = parser.parse_args()
    if options.seeds is not None:
        mutate.MORE += [json.loads(line) for line in options.seeds.read_text(encoding="utf-8").splitlines()]
    entries._SHARE[0] = options.check
    if options.show:
        (entry,) = [e for e in ENTRIES if e.name == options.show[0]]
        print(repr(made(entry, options.seed, int(options.show[1]))))
        print(entry.take(made(entry, options.seed, int(options.show[1]))))
        return 0
    chosen = tuple(e for e in ENTRIES if not options.entry or any(part in e.name for part in options.entry))
    tallies = run(chosen, options.seed, seconds=options.seconds, inputs=options.inputs)
    print(
        f"seed {options.seed}\n{'entry point':32}{'tried':>9}"
        + "".join(f"{o:>15}" for o in OUTCOMES)
        + f"{'longest':>10}"
    )
    for name, tally in tallies.items():
        numbers = "".join(f"{tally.outcomes[o]:>15,}" for o in OUTCOMES)
        print(f"{name:32}{tally.tried:>9,}{numbers}{tally.longest:>8.2f} s")
    total = sum(t.tried for t in tallies.values())
    defects = [(name, *found) for name, tally in tallies.items() for found in tally.defects]
    print(f"{total:,} inputs, {len(defects)} defects")
    for name, number, detail in defects[:200]:
        print(f"\n{name} {number}: {detail}", file=sys.stderr)
    return min(len(defects), 1)


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["Worker", "main"]
