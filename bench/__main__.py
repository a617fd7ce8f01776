"""`make bench`: run every benchmark in a process of its own, print a table, keep the figures.

Each program in this folder prints one JSON object as its last line: `{name: figure, …}`.
Figures are ratios against a floor or a peer of the same run wherever there is one.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = ("__main__.py", "__init__.py", "scratch.py", "sink.py")  # programs of no figures


def run(program: Path) -> dict:
    """The figures of one program; its own output goes to stderr as it comes.

    Peers that are no requirement of ours are found where PYTHONPATH says.
    """
    paths = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{program.stem}"],
            cwd=HERE.parent,
            env=os.environ | {"VAR_DIR": folder, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"failed": done.returncode}
    return json.loads(lines[-1])


def flat(figures: dict, prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", value))
    return rows


def main() -> None:
    wanted = sys.argv[1:]
    results = {}
    for program in sorted(HERE.glob("*.py")):
        if program.name in SKIPPED or (wanted and program.stem not in wanted):
            continue
        sys.stderr.write(f"== {program.stem}\n")
        results[program.stem] = run(program)
        for name, value in flat(results[program.stem]):
            print(f"{program.stem:18} {name:48} {value}", flush=True)
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False))
    if any("failed" in figures for figures in results.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
