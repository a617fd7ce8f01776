from tests.campaigns.world import *


def test_first(campaign, outbox_of_channel):
    start(campaign)
    r = send_all(campaign)
    print(r, outbox_of_channel[0])
    assert len(outbox_of_channel) == 20
    assert campaign.status == "finished"
