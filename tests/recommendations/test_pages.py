"""Pages for staff: side by side, around a product, health and online tests; who may see them."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.urls import reverse

from crm import artifacts, product_page
from crm.models import Artifact
from crm.training import Order
from recommendations import interleavings, product_panel, serving, side_by_side
from recommendations.models import Impression, Interleaving
from recommendations.training import train_recommender
from tests.factories import NOON, make_customer, make_product
from tests.recommendations.test_interleavings import prefer
from tests.recommendations.worlds import make_shop

pytestmark = pytest.mark.django_db
VIEWS = ("view_impression", "view_customer", "view_product")


def page(name, *args):
    return reverse(f"admin:recommendations_{name}", args=args)


def words(answer):
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def staff(client):
    """A member of staff with these permissions and no others."""

    def with_permissions(*codenames):
        user = get_user_model().objects.create_user("may", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return with_permissions


@pytest.fixture
def trained():
    shop = make_shop()
    train_recommender(Order(as_of=NOON, now=NOON))
    return shop


class TestCustomer:
    def test_every_voice_stands_beside_what_is_shown(self, admin_client, trained):
        ada = trained[1][0][0]
        text = words(admin_client.get(page("customer", ada.pk)))
        assert "What they see" in text
        assert "All voices, by score alone" in text
        for line in serving.recommend(ada, n=side_by_side.PLACES, now=NOON):
            assert line.product.title_en in text
            assert line.reason("en") in text

    def test_what_they_see_comes_first(self, trained):
        columns = side_by_side.of(trained[1][0][0], now=NOON)
        assert [one["name"] for one in columns[:2]] == ["shown", "blend"]
        assert len(columns) > 2

    def test_what_is_left_out_says_why(self, admin_client, trained):
        text = words(admin_client.get(page("customer", trained[1][0][0].pk)))
        assert "the customer has bought it" in text

    def test_in_chinese_titles_reasons_and_causes_are_chinese(self, admin_client, trained):
        admin_client.cookies["django_language"] = "zh-hans"
        text = words(admin_client.get(page("customer", trained[1][0][0].pk)))
        assert "客户看到的" in text
        assert "第0类商品" in text
        assert "What they see" not in text

    def test_why_not_answers_by_sku(self, admin_client, trained):
        products, people = trained
        bought = people[0][0].orders.first().lines.first().product
        text = words(admin_client.get(page("customer", people[0][0].pk), {"why": bought.sku}))
        assert "It is not in the list: the customer has bought it." in text

    def test_why_not_answers_by_a_part_of_the_title_in_both_languages(self, trained):
        ada = trained[1][0][0]
        for asked in ("model1", "第1类"):
            found = side_by_side.why_not(ada, asked, now=NOON)
            assert len(found["verdicts"]) == side_by_side.ANSWERED
            assert found["is_more"]

    def test_what_nobody_sells_is_said(self, admin_client, trained):
        asked = {"why": "<b>unicorn</b>"}
        text = words(admin_client.get(page("customer", trained[1][0][0].pk), asked))
        assert "No product has “&lt;b&gt;unicorn&lt;/b&gt;”" in text
        assert "<b>unicorn" not in text

    def test_with_nothing_trained_it_says_what_to_do(self, admin_client):
        make_product(title_en="Teapot")
        text = words(admin_client.get(page("customer", make_customer().pk)))
        assert "Teapot" in text
        assert "manage.py train recommender" in text

    def test_nobody_and_those_merged_away_are_not_found(self, admin_client):
        gone = make_customer(merged_into=make_customer())
        for pk in (gone.pk, 10**9):
            assert admin_client.get(page("customer", pk)).status_code == 404

    def test_the_number_of_queries_does_not_grow_with_the_voices(
        self, trained, django_assert_max_num_queries
    ):
        ada = trained[1][0][0]
        columns = len(side_by_side.of(ada, now=NOON))
        with django_assert_max_num_queries(8 + 5 * columns):
            side_by_side.of(ada, now=NOON)

    def test_the_customer_page_leads_there(self, admin_client):
        ada = make_customer()
        panel = reverse("admin:crm_customer_panel", args=[ada.pk, "recommendations"])
        assert page("customer", ada.pk) in words(admin_client.get(panel))


class TestProduct:
    def test_what_is_like_it_and_who_clicked_it(self, admin_client, trained):
        products, people = trained
        shown = serving.recommend(people[0][0], n=3, now=NOON)
        shown = serving.record_impressions(people[0][0], shown, placement="corner", now=NOON)
        serving.click(shown[0].impression, NOON)
        Impression.objects.update(shown_at=NOON)
        product = shown[0].product
        found = product_panel.build(product, NOON + timedelta(hours=1))
        assert found["similar"]
        assert found["placements"] == [{"placement": "corner", "shown": 1, "clicked": 1}]
        assert [one["click"].customer for one in found["clicks"]] == [people[0][0]]
        text = words(admin_client.get(page("product", product.pk)))
        assert str(people[0][0]) in text
        assert found["similar"][0]["line"].product.title_en in text

    def test_a_product_alone_says_what_to_do(self, admin_client):
        text = words(admin_client.get(page("product", make_product().pk)))
        assert "Nothing else is for sale." in text
        assert "Rules need at least 200 orders" in text
        assert "In no list of the last 28 days." in text

    def test_its_panel_is_on_the_page_of_the_product(self, admin_client):
        product = make_product()
        change = words(admin_client.get(reverse("admin:crm_product_change", args=[product.pk])))
        panel = reverse("admin:crm_product_panel", args=[product.pk, "recommendations"])
        assert panel in change
        assert "Nothing else is for sale." in words(admin_client.get(panel))
        assert [one["name"] for one in product_page.of(product)] == ["recommendations"]

    def test_a_new_product_has_no_panels_yet(self, admin_client):
        words(admin_client.get(reverse("admin:crm_product_add")))

    def test_unknown_products_and_panels_are_not_found(self, admin_client):
        assert admin_client.get(page("product", 10**9)).status_code == 404
        for args in ([10**9, "recommendations"], [make_product().pk, "nonsense"]):
            found = admin_client.get(reverse("admin:crm_product_panel", args=args))
            assert found.status_code == 404

    def test_who_clicked_is_for_those_who_may_see_customers(self, staff):
        product, ada = make_product(), make_customer("Ada Secret")
        Impression.objects.create(
            customer=ada, product=product, placement="home", position=1, artifact="popularity",
            reason_code="popular", score=0, shown_at=NOON, clicked_at=NOON,
        )  # fmt: skip
        client = staff("view_impression", "view_product")
        assert "Ada Secret" not in words(client.get(page("product", product.pk)))
        panel = reverse("admin:crm_product_panel", args=[product.pk, "recommendations"])
        assert "Ada Secret" not in words(client.get(panel))

    def test_the_number_of_queries_is_fixed(self, trained, django_assert_max_num_queries):
        with django_assert_max_num_queries(11):
            product_panel.build(trained[0][0][0], NOON)


class TestHealth:
    def test_an_empty_shop_is_told_what_to_do(self, admin_client):
        text = words(admin_client.get(page("health")))
        assert "Nothing is trained yet: lists show what sells." in text
        assert "No list was shown." in text
        assert "Nobody has clicked yet." in text
        assert "None is running." in text

    def test_it_tells_of_the_champion_in_both_languages(self, admin_client, trained):
        champion = artifacts.champion_of("recommender")
        assert f"Recommendations #{champion.pk}" in words(admin_client.get(page("health")))
        admin_client.cookies["django_language"] = "zh-hans"
        text = words(admin_client.get(page("health")))
        assert f"推荐 #{champion.pk}" in text
        assert "Cold starts" not in text

    def test_a_champion_that_cannot_be_read_any_more_is_told(self, admin_client, trained):
        Artifact.objects.update(format=0)
        assert "written by another version" in words(admin_client.get(page("health")))

    def test_it_is_counted_once_for_all_who_look(self, admin_client, django_assert_max_num_queries):
        admin_client.get(page("health"))
        with django_assert_max_num_queries(6):  # the session, the user, the side bar
            admin_client.get(page("health"))

    def test_with_clicks_it_draws(self, admin_client, trained, monkeypatch):
        ada = trained[1][0][0]
        now = timezone_now()
        shown = serving.record_impressions(
            ada, serving.recommend(ada, n=3, now=now), placement="<i>x", now=now
        )
        serving.click(shown[0].impression, now)
        cache.clear()
        text = words(admin_client.get(page("health")))
        assert "clicked, of those looked at" in text
        assert "&lt;i&gt;x" in text
        assert "<i>x" not in text


class TestWhoMaySee:
    def test_staff_who_may_not_see_are_refused(self, staff):
        ada, product = make_customer(), make_product()
        client = staff("view_order")
        for address in (page("health"), page("customer", ada.pk), page("product", product.pk)):
            assert client.get(address).status_code == 403

    def test_lists_of_customers_need_the_right_to_see_customers(self, staff):
        ada = make_customer()
        client = staff("view_impression", "view_product")
        assert client.get(page("customer", ada.pk)).status_code == 403
        assert client.get(page("health")).status_code == 200

    def test_all_three_are_enough(self, staff):
        ada, product = make_customer(), make_product()
        client = staff(*VIEWS)
        for address in (page("health"), page("customer", ada.pk), page("product", product.pk)):
            assert client.get(address).status_code == 200

    def test_visitors_are_sent_to_the_login(self, client):
        assert "/login/" in client.get(page("health")).headers["Location"]

    def test_the_side_bar_leads_to_health_only_whom_it_lets_in(self, staff):
        client = staff("view_impression")
        index = client.get(reverse("admin:index"))
        assert page("health") in index.content.decode()


class TestOnlineTests:
    @pytest.fixture
    def pair(self, trained):
        later = NOON + timedelta(days=1)
        train_recommender(Order(as_of=later, now=later))
        return list(Artifact.objects.filter(name="recommender").order_by("pk"))

    def start(self, client, first, second):
        asked = {"first": first.pk, "second": second.pk}
        return client.post(page("interleaving_add"), asked)

    def test_started_looked_at_and_stopped(self, admin_client, pair):
        answer = self.start(admin_client, *pair)
        test = Interleaving.objects.get()
        assert answer.headers["Location"] == page("interleaving_change", test.pk)
        assert (test.first, test.second, test.started_by) == (*pair, "admin")
        text = words(admin_client.get(page("interleaving_change", test.pk)))
        assert "No winner yet" in text
        assert "look again tomorrow" in text
        admin_client.post(page("interleaving_stop", test.pk))
        test.refresh_from_db()
        assert test.stopped_at

    def test_two_at_once_and_one_against_itself_are_refused_in_words(self, admin_client, pair):
        text = words(self.start(admin_client, pair[0], pair[0]))
        assert "Choose two different artifacts" in text
        self.start(admin_client, *pair)
        assert "Another test is running" in words(self.start(admin_client, *pair))
        assert Interleaving.objects.count() == 1

    def test_an_artifact_of_another_kind_is_no_choice(self, admin_client, pair):
        other = Artifact.objects.create(
            name="ratings", sha256="0" * 64, format=1, as_of=NOON, trained_at=NOON
        )
        assert "form" in self.start(admin_client, pair[0], other).context
        assert not Interleaving.objects.exists()

    def test_with_one_artifact_it_says_what_to_do(self, admin_client, trained):
        text = words(admin_client.get(page("interleaving_add")))
        assert "A test needs two trained artifacts." in text
        assert "Train twice" in words(admin_client.get(page("interleaving_changelist")))

    def test_the_winner_is_promoted_in_one_click(self, admin_client, pair):
        self.start(admin_client, *pair)
        test = Interleaving.objects.get()
        text = words(admin_client.get(page("interleaving_change", test.pk)))
        assert page("interleaving_promote", test.pk) not in text
        admin_client.post(page("interleaving_promote", test.pk))
        assert not Artifact.objects.filter(reason__startswith="won test").exists()
        prefer(test, 0, times=40)
        Interleaving.objects.update(started_at=NOON)
        text = words(admin_client.get(page("interleaving_change", test.pk)))
        assert f"Recommendations #{pair[0].pk} is preferred" in text
        admin_client.post(page("interleaving_promote", test.pk))
        assert artifacts.champion_of("recommender") == pair[0]
        assert not Interleaving.objects.running().exists()

    def test_in_chinese(self, admin_client, pair):
        self.start(admin_client, *pair)
        admin_client.cookies["django_language"] = "zh-hans"
        text = words(admin_client.get(page("interleaving_change", Interleaving.objects.get().pk)))
        assert "尚无胜者" in text
        assert "No winner" not in text

    def test_who_may_only_look_decides_nothing(self, staff, pair):
        test = interleavings.start(*pair, by="boss", now=NOON)
        client = staff("view_interleaving")
        assert "Stop the test" not in words(client.get(page("interleaving_change", test.pk)))
        for address in ("interleaving_stop", "interleaving_promote"):
            assert client.post(page(address, test.pk)).status_code == 403
        assert client.get(page("interleaving_add")).status_code == 403

    def test_to_promote_takes_the_right_to_decide_on_artifacts(self, staff, pair):
        test = interleavings.start(*pair, by="boss", now=NOON)
        prefer(test, 0, times=40)
        client = staff("view_interleaving", "change_interleaving")
        assert client.post(page("interleaving_promote", test.pk)).status_code == 403

    def test_a_get_stops_nothing(self, admin_client, pair):
        test = interleavings.start(*pair, by="boss", now=NOON)
        assert admin_client.get(page("interleaving_stop", test.pk)).status_code == 405
        assert admin_client.post(page("interleaving_stop", 10**9)).status_code == 404

    def test_the_list_has_a_fixed_number_of_queries(
        self, admin_client, pair, django_assert_max_num_queries
    ):
        for number in range(4):
            test = interleavings.start(*pair, by="boss", now=NOON + timedelta(hours=number))
            interleavings.stop(test, now=NOON + timedelta(hours=number))
        with django_assert_max_num_queries(9):
            words(admin_client.get(page("interleaving_changelist")))


def timezone_now():
    from django.utils import timezone

    return timezone.now()
