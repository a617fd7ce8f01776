"""For migrations: a foreign key gives up an index that another one makes superfluous."""

from typing import Any

from django.db import migrations
from django.db.migrations.state import ProjectState


class UnindexedKey(migrations.AlterField):
    """Drops the index of a foreign key and nothing else.

    Django's own operation would make the table anew on SQLite, without the triggers on it.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model, field = self._field(app_label, to_state)
        declared = {index.name for index in model._meta.indexes}
        found = schema_editor._constraint_names(
            model, [field.column], index=True, unique=False, primary_key=False, exclude=declared
        )
        for name in found:
            schema_editor.execute(schema_editor._delete_index_sql(model, name))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model, field = self._field(app_label, to_state)
        schema_editor.execute(schema_editor._create_index_sql(model, fields=[field]))

    def _field(self, app_label: str, state: ProjectState) -> tuple[Any, Any]:
        model = state.apps.get_model(app_label, self.model_name)
        return model, model._meta.get_field(self.name)
