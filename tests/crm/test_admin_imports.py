"""Staff bring a file, correct how it is read, see what it would do, run it, take the rejects."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.models import Customer, Import

pytestmark = pytest.mark.django_db
SHEET = "姓名;邮箱;积分\n李雷;li@example.com;5\n=1+1;wrong;7\n".encode("gb18030")


def upload(client, content=SHEET, form="customers"):
    file = SimpleUploadedFile("客户.csv", content)
    return client.post(reverse("admin:crm_import_add"), {"format": form, "file": file})


def page(client, source):
    return client.get(reverse("admin:crm_import_change", args=[source.pk])).content.decode()


def post(client, name, source, **data):
    return client.post(reverse(f"admin:crm_import_{name}", args=[source.pk]), data)


def test_a_sheet_goes_in_step_by_step(admin_client, django_capture_on_commit_callbacks):
    upload(admin_client)
    source = Import.objects.get()
    text = page(admin_client, source)
    assert "GB18030" in text
    assert "li@example.com" in text
    assert "&#x27;wrong&#x27; is not an address" in text
    post(
        admin_client,
        "settings",
        source,
        **{"encoding": "gb18030", "delimiter": ";", "date_order": "ymd", "has_header": "on"},
        **{"column-0": "name", "column-1": "email", "column-2": "trait.积分"},
    )
    assert not Customer.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        post(admin_client, "start", source)
    source.refresh_from_db()
    assert (source.state, source.created, source.rejected) == ("done", 1, 1)
    assert Customer.objects.get().traits == {"积分": "5"}
    text = page(admin_client, source)
    assert "100 %" in text
    answer = admin_client.get(reverse("admin:crm_import_rejects", args=[source.pk]))
    assert b"'=1+1" in b"".join(answer.streaming_content)


def test_the_encoding_can_be_corrected_by_hand(admin_client):
    upload(admin_client)
    source = Import.objects.get()
    wrong = {"encoding": "cp1252", "delimiter": ";", "date_order": "ymd", "has_header": "on"}
    post(admin_client, "settings", source, **wrong)
    source.refresh_from_db()
    assert (source.encoding, source.mapping) == ("cp1252", {})
    post(admin_client, "settings", source, **(wrong | {"encoding": "gb18030"}))
    source.refresh_from_db()
    assert source.mapping == {"0": "name", "1": "email"}


def test_a_column_that_is_not_on_offer_is_not_taken(admin_client):
    upload(admin_client)
    source = Import.objects.get()
    asked = {"encoding": "gb18030", "delimiter": ";", "date_order": "ymd", "has_header": "on"}
    post(admin_client, "settings", source, **asked, **{"column-0": "is_staff", "column-1": "email"})
    source.refresh_from_db()
    assert source.mapping == {"1": "email"}


def test_without_a_column_that_is_needed_it_does_not_start(admin_client):
    upload(admin_client, b"name,colour\nAda,red\n")
    source = Import.objects.get()
    assert "user id / e-mail" in page(admin_client, source)
    post(admin_client, "start", source)
    source.refresh_from_db()
    assert source.state == "uploaded"


@pytest.mark.parametrize("content", [b"PK\x03\x04rest of a zip", b" "])
def test_a_file_that_cannot_be_read_says_so_on_the_form(admin_client, content):
    answer = upload(admin_client, content)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not Import.objects.exists()


def test_the_bar_asks_again_until_it_is_over(admin_client):
    upload(admin_client)
    source = Import.objects.get()
    Import.objects.update(state="running", line=1)
    bar = admin_client.get(reverse("admin:crm_import_progress", args=[source.pk]))
    assert "hx-get" in bar.content.decode()
    post(admin_client, "cancel", source)
    bar = admin_client.get(reverse("admin:crm_import_progress", args=[source.pk]))
    assert bar["HX-Refresh"] == "true"


def test_names_of_files_and_cells_are_escaped(admin_client):
    upload(admin_client, b"email,name\na@x.org,<script>alert(1)</script>\n")
    source = Import.objects.get()
    Import.objects.update(name="<b>x</b>.csv")
    assert "<script>alert" not in page(admin_client, source)
    assert "<b>x</b>" not in page(admin_client, source)


@pytest.mark.parametrize("name", ["settings", "start", "cancel"])
def test_only_a_post_of_somebody_allowed_changes_anything(client, admin_client, name):
    upload(admin_client)
    source = Import.objects.get()
    url = reverse(f"admin:crm_import_{name}", args=[source.pk])
    assert admin_client.get(url).status_code == 405
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_import"))
    client.force_login(viewer)
    assert client.post(url).status_code == 403
    assert client.get(reverse("admin:crm_import_add")).status_code == 403
    assert client.get(reverse("admin:crm_import_rejects", args=[source.pk])).status_code == 200


def test_rejects_are_not_for_everybody(client, admin_client):
    upload(admin_client)
    client.force_login(User.objects.create_user("other", is_staff=True))
    url = reverse("admin:crm_import_rejects", args=[Import.objects.get().pk])
    assert client.get(url).status_code == 403


def test_pages_cost_a_fixed_number_of_queries(admin_client, django_assert_max_num_queries):
    for _ in range(12):
        upload(admin_client)
    with django_assert_max_num_queries(9):
        assert admin_client.get(reverse("admin:crm_import_changelist")).status_code == 200
    source = Import.objects.last()
    Import.objects.update(state="done")
    with django_assert_max_num_queries(7):
        page(admin_client, source)
