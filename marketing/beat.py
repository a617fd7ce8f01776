"""What runs by the clock goes on after a crash in the middle of writing down the clock."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's, which takes an empty file of entries for one that it can read, and dies of it."""

    def _open_schedule(self) -> Any:
        store = super()._open_schedule()  # type: ignore[misc]  # no stub has it
        try:
            store.get("entries")
        except EOFError:  # a kill came between making the file and filling it
            store.dict.close()  # not the store itself, which would write once more
            self._remove_db()  # type: ignore[attr-defined]
            store = super()._open_schedule()  # type: ignore[misc]  # no stub has it
        return store
