"""MJML bodies: whole mails with our links, our end and our pixel; nothing loaded from elsewhere."""

import pytest
from django.utils import timezone

from campaigns import mjml, rendering
from campaigns.forms import TemplateForm
from tests.campaigns.world import make_campaign, make_members, make_template, send_all, start
from tests.factories import make_customer

SOURCE = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Dear {{ customer.name }}</mj-text>
<mj-raw>{% for n in (1..2) %}</mj-raw><mj-text>line {{ n }}</mj-text><mj-raw>{% endfor %}</mj-raw>
<mj-button href="https://shop.example/sale?a=1&amp;b=2">Look</mj-button>
</mj-column></mj-section></mj-body></mjml>"""


def test_it_is_known_by_its_beginning():
    assert mjml.is_mjml("\n <MJML lang='en'>")
    assert not mjml.is_mjml("<p>about <mjml></p>")
    assert not mjml.is_mjml("<mjmlx>")


def test_no_font_is_fetched_from_anybody():
    html = mjml.to_html(SOURCE)
    assert "fonts.googleapis" not in html
    assert "@media" in html


@pytest.mark.parametrize(
    "source",
    [
        "<mjml>",
        "<mjml><mj-body><mj-section></mj-body></mjml>",
        '<mjml><mj-body><mj-include path="/etc/passwd"/></mj-body></mjml>',
        '<mjml><mj-body><mj-include path="https://evil.example/x.mjml"/></mj-body></mjml>',
    ],
)
def test_what_cannot_be_read_says_so(source):
    with pytest.raises(mjml.BadMjml):
        mjml.to_html(source)


@pytest.mark.django_db
class TestMails:
    def test_it_goes_out_whole_with_our_links_end_and_pixel(self, outbox_of_channel):
        campaign = make_campaign(
            labels=("A",), template=make_template(body_en=SOURCE), holdout_share=0
        )
        make_members(campaign, 1)
        start(campaign)
        send_all(campaign)
        [sent] = outbox_of_channel
        html = sent["html"]
        assert html.lower().count("<html") == html.lower().count("</body>") == 1
        assert "Dear Ada0" in html
        assert "line 2" in html
        assert "https://shop.example/sale" not in html
        assert html.index("Preferences and unsubscribe") < html.index("</body>")
        assert html.count("/t/c/") == 2  # and the link that nobody sees
        assert html.count("/t/o/") == 1
        assert "Dear Ada0" in sent["text"]
        assert sent["text"].count("Preferences and unsubscribe") == 1
        assert "{" not in sent["text"]

    def test_a_name_cannot_bring_markup_with_it(self):
        reader = make_customer("<mj-raw><script>alert(1)</script>")
        message = rendering.preview(make_template(body_en=SOURCE), reader, now=timezone.now())
        assert "<script>" not in message.html

    def test_a_broken_one_is_refused_by_its_field(self):
        fields = {"name": "x", "channel": "email", "subject_en": "x", "body_en": "<mjml><mj-body>"}
        form = TemplateForm(fields)
        assert not form.is_valid()
        assert "MJML" in form.errors["body_en"][0]

    def test_its_liquid_is_checked_too(self):
        fields = {"name": "x", "channel": "email", "subject_en": "x"}
        form = TemplateForm(fields | {"body_en": SOURCE.replace("{% endfor %}", "")})
        assert "body_en" in form.errors
