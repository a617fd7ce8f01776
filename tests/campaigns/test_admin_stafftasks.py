"""Staff see what journeys ask of them, and say that it is done."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import StaffTask
from tests.campaigns.journeys.test_asking import with_task
from tests.campaigns.journeys.world import launched, reader, tell
from tests.factories import NOON

pytestmark = pytest.mark.django_db
LIST = "/admin/campaigns/stafftask/"


@pytest.fixture(autouse=True)
def _nobody_sends(monkeypatch):
    monkeypatch.setattr("campaigns.tasks.start_campaign.delay", lambda **_: None)
    monkeypatch.setattr("campaigns.tasks.walk.delay", lambda **_: None)


@pytest.fixture
def task():
    launched(with_task())
    tell(reader())
    return StaffTask.objects.get()


def act(client, action, *tasks):
    said = {"action": action, "_selected_action": [one.pk for one in tasks]}
    return client.post(LIST, said, follow=True).content.decode()


def test_the_list_leads_to_the_customer_and_to_why(task, admin_client):
    page = admin_client.get(LIST).content.decode()
    assert "Call them" in page
    assert f"/admin/crm/customer/{task.customer_id}/change/" in page
    assert f"?customer={task.customer_id}" in page
    assert "late" in page


def test_done_and_taken_up_again(task, admin_client, admin_user):
    act(admin_client, "finish", task)
    task.refresh_from_db()
    assert (task.done_by, task.done_at is not None) == (admin_user, True)
    first = task.done_at
    act(admin_client, "finish", task)
    task.refresh_from_db()
    assert task.done_at == first, "who was first stays"
    act(admin_client, "take_up_again", task)
    task.refresh_from_db()
    assert (task.done_at, task.done_by) == (None, None)


@pytest.mark.parametrize(
    ("query", "shown"),
    [("state=open", True), ("state=late", True), ("state=done", False), ("whose=mine", True)],
)
def test_filters(task, admin_client, query, shown):
    page = admin_client.get(f"{LIST}?{query}").content.decode()
    assert (f"customer/{task.customer_id}/change" in page) is shown


def test_tasks_of_other_groups_are_not_mine(task, admin_client):
    StaffTask.objects.update(group=Group.objects.create(name="Sales"))
    page = admin_client.get(f"{LIST}?whose=mine").content.decode()
    assert f"customer/{task.customer_id}/change" not in page


def test_what_is_not_due_yet_is_not_late(task):
    now = timezone.now()
    task.due_at = now + timedelta(hours=1)
    assert not task.is_late(now)
    assert task.is_late(now + timedelta(hours=2))


def test_who_may_only_look_finishes_nothing(task, client):
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_stafftask"))
    client.force_login(looker)
    assert client.get(LIST).status_code == 200
    act(client, "finish", task)
    task.refresh_from_db()
    assert task.done_at is None


def test_the_list_asks_no_more_for_more_tasks(task, admin_client):
    def questions():
        with CaptureQueriesContext(connection) as found:
            admin_client.get(LIST)
        return len(found)

    questions()
    before = questions()
    for minute in range(5):
        tell(reader(), at=NOON + timedelta(minutes=minute))
    assert StaffTask.objects.count() == 6
    assert questions() == before
