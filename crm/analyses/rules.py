"""Association rules of baskets."""

import argparse
from typing import TYPE_CHECKING, Any

import pandas as pd

from crm.analysis import Subject, UnusableInput
from crm.loading import UnusableFile, open_text

if TYPE_CHECKING:
    from crm.ml.rules import Rule

COLUMNS = [
    "antecedent",
    "consequent",
    "support",
    "confidence",
    "lift",
    "conviction",
    "p_value",
    "significant",
]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baskets", required=True, help="one basket a line, items split by commas")
    parser.add_argument("--min-support", required=True, type=_share)
    parser.add_argument("--min-confidence", required=True, type=_share)
    parser.add_argument("--output", required=True)
    parser.add_argument(
        "--significant-only",
        action="store_true",
        help="leave out rules that shuffled baskets could hold as well",
    )


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from pathlib import Path

    from crm.ml.rules import rules

    try:
        with open_text(Path(options.baskets)) as file:
            lines = [[item.strip() for item in line.split(",")] for line in file]
    except UnusableFile as error:
        raise UnusableInput(str(error)) from None
    except UnicodeDecodeError as error:
        raise UnusableInput(f"{options.baskets}: not UTF-8 (byte {error.start})") from None
    baskets = [[item for item in line if item] for line in lines]
    baskets = [basket for basket in baskets if basket]
    if not baskets:
        raise UnusableInput(f"{options.baskets}: no baskets")
    found = rules(baskets, min_support=options.min_support, min_confidence=options.min_confidence)
    written = [rule for rule in found if rule.significant or not options.significant_only]
    pd.DataFrame([_row(rule) for rule in written], columns=COLUMNS).to_csv(
        options.output, index=False
    )
    significant = sum(rule.significant for rule in found)
    return {"baskets": len(baskets), "rules": len(found), "significant": significant}


def _row(rule: "Rule") -> tuple[Any, ...]:
    return (
        ";".join(rule.antecedent),
        ";".join(rule.consequent),
        rule.support,
        rule.confidence,
        rule.lift,
        rule.conviction,
        rule.p_value,
        rule.significant,
    )


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must lie between 0 and 1")
    return share


RULES = Subject("association rules of baskets", _arguments, _run)
