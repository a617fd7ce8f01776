"""The audience of a campaign at one moment: the numbers of its customers, in blocks.

A million are frozen in a second or two, so that a campaign starts with everybody who was in it
then, and its size is known. What is written to them is made block by block (`preparing.py`).
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from campaigns import audiences
from campaigns.models import AudienceBlock, Campaign
from crm.models import Membership

BLOCK = 2000  # customers: a tenth of a second to prepare, less than what connections hold ready
_WIDTH = 8  # bytes of a number
_FREEZE = """
    INSERT INTO campaigns_audienceblock (campaign_id, place, size, customers)
    SELECT %s, (place - 1) / %s, count(*), string_agg(int8send(customer_id), ''::bytea
        ORDER BY customer_id)
    FROM (
        SELECT customer_id, row_number() OVER (ORDER BY customer_id) AS place
        FROM ({members}) AS members
    ) AS placed
    GROUP BY 2
"""


@transaction.atomic
def freeze(campaign_id: int) -> int:
    """Write down who is in the audience now; return how many. The campaign then goes on to send.

    One statement, so that nobody who comes or goes meanwhile is half in it. Returns 0 for a
    campaign that is not at this stage.
    """
    rows = Campaign.objects.select_for_update(of=("self",)).materialising()
    campaign = rows.filter(pk=campaign_id).first()
    if campaign is None:
        return 0
    members = audiences.customers(campaign)
    if connection.vendor == "postgresql":
        _freeze_inside(campaign, members)
    else:
        ids = members.order_by("customer_id").iterator(chunk_size=BLOCK)
        AudienceBlock.objects.bulk_create(_blocks(campaign, ids), batch_size=100)
    size: int = campaign.blocks.aggregate(size=Sum("size", default=0))["size"]
    Campaign.objects.filter(pk=campaign.pk).update(
        status=Campaign.Status.SENDING, audience_size=size, unprepared=size, holdout_size=0
    )
    return size


def packed(customer_ids: Sequence[int]) -> bytes:
    return struct.pack(f">{len(customer_ids)}q", *customer_ids)


def unpacked(data: bytes) -> Sequence[int]:
    return struct.unpack(f">{len(data) // _WIDTH}q", data)


def _freeze_inside(campaign: Campaign, members: "QuerySet[Membership, int]") -> None:
    query, params = members.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_FREEZE.format(members=query), [campaign.pk, BLOCK, *params])


def _blocks(campaign: Campaign, ids: Iterator[int]) -> Iterator[AudienceBlock]:
    place = 0
    while some := list(islice(ids, BLOCK)):
        yield AudienceBlock(campaign=campaign, place=place, size=len(some), customers=packed(some))
        place += 1
