"""Some customers looked at once, for all that several rules want to know of them.

Rules share leaves, and leaves share rows. Each leaf is asked once however many rules have it;
what counts rows of one source (events, sales, opinions …) is counted in one pass over the rows
of these customers; "and", "or" and "not" are then set against set, here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Case, When

from crm.bulk import chunks
from crm.models import Customer
from crm.segments import compiling, counting
from crm.segments import language as lang
from crm.segments.comparing import flag
from crm.segments.sql import Among

TOGETHER = 20  # leaves in one query


class Look:
    """What is so of these customers at one moment. Ids of nobody are passed over."""

    def __init__(
        self, leaves: Iterable[lang.Leaf], customer_ids: Iterable[int], *, now: datetime
    ) -> None:
        self.ids, self.now = sorted(set(customer_ids)), now
        self._holds: dict[str, set[int]] = {}
        self._values: dict[str, dict[int, Any]] = {}
        self._details: dict[str, dict[int, Any]] = {}
        sources: dict[str, dict[str, lang.Counted]] = defaultdict(dict)
        others: dict[str, lang.Leaf] = {}
        for leaf in leaves:
            if isinstance(leaf, lang.Counted):
                sources[counting.source(leaf)][leaf.key] = leaf
            else:
                others[leaf.key] = leaf
        people = Customer.objects.filter(Among("pk", self.ids))
        found = dict(people.values_list("pk", "merged_into_id"))
        self.everybody = set(found)
        self.active = {pk for pk, other in found.items() if other is None}
        for some in chunks(others.items(), TOGETHER):
            self._ask(dict(some))
        for source, counted in sources.items():
            for counted_together in chunks(counted.items(), TOGETHER):
                self._count(source, dict(counted_together))

    def fitting(self, part: lang.Part) -> set[int]:
        """Whom the rule describes."""
        return self._fitting(part) & self.active

    def holds(self, leaf: lang.Leaf, customer_id: int) -> bool:
        return customer_id in self._holds[leaf.key]

    def value(self, leaf: lang.Leaf, customer_id: int) -> Any:
        """What made the leaf true or false, if it is known: `explain` asks for what is not."""
        return self._values.get(leaf.key, {}).get(customer_id)

    def detail(self, leaf: lang.Leaf, customer_id: int) -> Any:
        return self._details.get(leaf.key, {}).get(customer_id)

    def explain(self, wanted: Mapping[str, tuple[lang.Leaf, set[int]]]) -> None:
        """Ask for the values behind some leaves, each of just the customers named beside it."""
        open_ = {key: pair for key, pair in wanted.items() if self._is_open(*pair)}
        for some in chunks(open_.items(), TOGETHER):
            self._explain(dict(some))

    def _fitting(self, part: lang.Part) -> set[int]:
        if isinstance(part, lang.Not):
            return self.everybody - self._fitting(part.part)
        if isinstance(part, lang.Several):
            sets = map(self._fitting, part.parts)
            return set.intersection(*sets) if part.all else set.union(*sets)
        assert isinstance(part, lang.Leaf)
        return self._holds[part.key]

    def _ask(self, leaves: Mapping[str, lang.Leaf]) -> None:
        compiler = compiling.Compiler(self.now, self.ids)
        flags = {f"in_{i}": flag(compiler.part(leaf)) for i, leaf in enumerate(leaves.values())}
        for key in leaves:
            self._holds[key] = set()
        holds = [self._holds[key] for key in leaves]
        rows = Customer.objects.filter(Among("pk", self.ids)).annotate(**flags)
        for pk, *fits in rows.values_list("pk", *flags):
            for members, inside in zip(holds, fits, strict=True):
                if inside:
                    members.add(pk)

    def _count(self, source: str, leaves: Mapping[str, lang.Counted]) -> None:
        groups = counting.together(source, list(leaves.values()), now=self.now, among=self.ids)
        columns = [f"{name}_{i}" for i in range(len(leaves)) for name in ("figure", "in")]
        owner = counting.owner(next(iter(leaves.values())))
        counted = {pk: values for pk, *values in groups.values_list(owner, *columns)}
        for i, leaf in enumerate(leaves.values()):
            told = {pk: (values[2 * i], values[2 * i + 1]) for pk, values in counted.items()}
            self._note(leaf, told)

    def _note(self, leaf: lang.Counted, told: Mapping[int, tuple[Any, bool]]) -> None:
        """Keep a figure and whether it fits; a customer without rows has none, or counts nought."""
        nothing = 0 if leaf.figure == "count" else None
        known = {pk: pair for pk, pair in told.items() if pair[0] not in (None, nothing)}
        self._holds[leaf.key] = {pk for pk, (_, fits) in known.items() if fits}
        if counting.of_none(leaf):
            self._holds[leaf.key] |= self.everybody - known.keys()
        if not (isinstance(leaf, lang.Rated) and leaf.score_op):  # its value is the score given
            self._values[leaf.key] = {pk: figure for pk, (figure, _) in known.items()}

    def _is_open(self, leaf: lang.Leaf, customer_ids: set[int]) -> bool:
        without = isinstance(leaf, lang.Inside | lang.Agreed | lang.Share)
        return bool(customer_ids) and not without and leaf.key not in self._values

    def _explain(self, wanted: Mapping[str, tuple[lang.Leaf, set[int]]]) -> None:
        compiler = compiling.Compiler(self.now, self.ids)
        columns: dict[str, Any] = {}
        for i, (leaf, customer_ids) in enumerate(wanted.values()):
            these = When(Among("pk", sorted(customer_ids)), then=compiler.value(leaf))
            columns[f"value_{i}"] = Case(these)
            these = When(Among("pk", sorted(customer_ids)), then=compiler.detail(leaf))
            columns[f"detail_{i}"] = Case(these)
        anybody = sorted(set().union(*(ids for _, ids in wanted.values())))
        rows = Customer.objects.filter(Among("pk", anybody)).annotate(**columns)
        for pk, *told in rows.values_list("pk", *columns):
            for key, value, detail in zip(wanted, told[::2], told[1::2], strict=True):
                self._values.setdefault(key, {})[pk] = value
                self._details.setdefault(key, {})[pk] = detail
