import django.db.models.deletion
from django.db import migrations, models

from crm.unindexed import UnindexedKey

ORDERS = "INSERT INTO crm_purchasechange (customer_id, order_id) SELECT customer_id, id FROM after"
CUSTOMERS = "INSERT INTO crm_purchasechange (customer_id) SELECT DISTINCT customer_id FROM after"
# The columns of an order that a summary is made of; a change of another one changes no summary.
COLUMNS = "id, customer_id, status, is_refund, total, currency, placed_at"
POSTGRESQL = """
    CREATE OR REPLACE FUNCTION crm_purchases_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            {inserted};
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO crm_purchasechange (customer_id) SELECT DISTINCT customer_id FROM before;
        ELSE
            INSERT INTO crm_purchasechange (customer_id) SELECT DISTINCT customer_id FROM (
                (SELECT {columns} FROM before EXCEPT SELECT {columns} FROM after)
                UNION (SELECT {columns} FROM after EXCEPT SELECT {columns} FROM before)
            ) differing;
        END IF;
        RETURN NULL;
    END $$
"""
SQLITE = (
    "CREATE TRIGGER purchases_inserted AFTER INSERT ON crm_order"
    " BEGIN INSERT INTO crm_purchasechange {columns} VALUES {values}; END"
)


def leave_room(apps, schema_editor):
    """A row that is written again finds place on its own page: no index needs to know of it."""
    if schema_editor.connection.vendor == "postgresql":
        for table in ("crm_purchasesummary", "crm_score"):
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 80)")


def tell_the_order(apps, schema_editor):
    """From here on a new order can be added to what is there."""
    if schema_editor.connection.vendor == "postgresql":
        made = POSTGRESQL.format(inserted=ORDERS, columns=COLUMNS)
        schema_editor.execute(made, params=None)
    else:
        _on_sqlite(schema_editor, "(customer_id, order_id)", "(NEW.customer_id, NEW.id)")


def tell_the_customer(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        made = POSTGRESQL.format(inserted=CUSTOMERS, columns=COLUMNS)
        schema_editor.execute(made, params=None)
    else:
        _on_sqlite(schema_editor, "(customer_id)", "(NEW.customer_id)")


def _on_sqlite(schema_editor, columns, values):
    schema_editor.execute("DROP TRIGGER purchases_inserted", params=None)
    schema_editor.execute(SQLITE.format(columns=columns, values=values), params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0010_keys_indexed_once'),
    ]

    operations = [
        migrations.CreateModel(
            name='CutPoints',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('exceeded', models.JSONField()),
                ('buyers', models.PositiveIntegerField()),
                ('folded', models.PositiveIntegerField(default=0)),
                ('drawn_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'cut points',
                'verbose_name_plural': 'cut points',
            },
        ),
        migrations.RemoveField(
            model_name='purchasesummary',
            name='cell',
        ),
        migrations.AddField(
            model_name='purchasechange',
            name='order_id',
            field=models.BigIntegerField(null=True),
        ),
        UnindexedKey(
            model_name='score',
            name='artifact',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='crm.artifact'),
        ),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
        migrations.RunPython(tell_the_order, tell_the_customer),
    ]
