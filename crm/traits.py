"""Traits written for many customers at once, whatever else their documents hold."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from crm.segments import touches
from crm.statements import is_postgresql, run

TAGS = "tags"  # the trait that holds tags: {"tags": {"vip": true}}

_POSTGRESQL = """
    UPDATE crm_customer SET traits = CASE jsonb_typeof(traits) WHEN 'object' THEN traits
        ELSE '{}'::jsonb END || %s::jsonb WHERE id = ANY(%s::bigint[])
"""
_POSTGRESQL_TAG = """
    UPDATE crm_customer SET traits = traits || jsonb_build_object('tags',
        CASE jsonb_typeof(traits -> 'tags') WHEN 'object' THEN traits -> 'tags'
        ELSE '{}'::jsonb END || %s::jsonb) WHERE id = ANY(%s::bigint[])
"""
_SQLITE = """
    UPDATE crm_customer SET traits = json_patch(traits, %s)
    WHERE id IN (SELECT value FROM json_each(%s))
"""


@transaction.atomic
def put(customer_ids: Sequence[int], name: str, value: Any) -> None:
    """Set one trait of all of these to one value. One statement, and the word for segments."""
    if is_postgresql():
        run(_POSTGRESQL, [json.dumps({name: value}), list(customer_ids)])
    else:
        run(_SQLITE, [json.dumps({name: value}), json.dumps(list(customer_ids))])
    touches.touch(customer_ids, f"trait:{name}")


@transaction.atomic
def tag(customer_ids: Sequence[int], name: str) -> None:
    """Give all of these a tag; those they have stay."""
    if is_postgresql():
        run(_POSTGRESQL_TAG, [json.dumps({name: True}), list(customer_ids)])
    else:
        tags = json.dumps({TAGS: {name: True}})
        run(_SQLITE, [tags, json.dumps(list(customer_ids))])
    touches.touch(customer_ids, f"trait:{TAGS}")
