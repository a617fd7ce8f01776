"""Templates that attack: every one ends as an error, soon and in little memory."""

import resource
import time

import pytest

from campaigns import rendering
from campaigns.models import Template
from campaigns.sandbox import Sandbox, one_rendering

DOUBLE = "{% assign s = s | append: s %}" * 40
ATTACKS = {
    "endless loop": "{% for i in (1..1000000000) %}{% endfor %}",
    "nested loops": "{% for i in (1..200) %}{% for j in (1..200) %}{% for k in (1..200) %}x{% endfor %}{% endfor %}{% endfor %}",
    "loop over a literal range": "{% assign r = (1..100000000) %}{{ r | join: 'x' }}",
    "huge range reversed": "{{ (1..999999999) | reverse | first }}",
    "huge range sorted": "{{ (1..999999999) | sort | size }}",
    "doubling a string": "{% assign s = 'aaaaaaaaaa' %}" + DOUBLE,
    "doubling by capture": "{% assign s = 'aaaaaaaaaa' %}"
    + "{% capture s %}{{ s }}{{ s }}{% endcapture %}" * 40,
    "a chain of replace": "{{ 'a' " + "| replace: 'a', 'aaaaaaaaaa' " * 12 + "}}",
    "replace of nothing": "{% assign s = 'a' %}" + "{% assign s = s | replace: '', s %}" * 40,
    "a chain of append": "{% assign s = 'aaaaaaaaaa' %}{{ s "
    + "| append: s | append: s " * 9000
    + "}}",
    "join of long strings": "{% assign s = 'a' | append: 'b' | split: '' %}{% assign s = s | concat: s %}"
    + "{% assign s = s | concat: s %}" * 30
    + "{{ s | join: 'xxxxxxxxxxxxxxxxx' }}",
    "growing numbers": "{% assign n = 999999999 %}" + "{% assign n = n | times: n %}" * 30,
    "number of many digits": "{{ " + "9" * 20000 + " | times: 2 }}",
    "padded date": "{{ 'now' | date: '%0999999999d' }}",
    "padded date with flag": "{{ 'now' | date: '%-999999999d' }}",
    "long date pattern": "{{ 'now' | date: '" + "%A" * 5000 + "' }}",
    "deep nesting": "{% if true %}" * 5000 + "{% endif %}" * 5000,
    "deep brackets": "{{ " + "a[" * 3000 + "1" + "]" * 3000 + " }}",
    "long output": "{% for i in (1..300) %}" + "x" * 2000 + "{% endfor %}",
    "too long source": "x" * 100_000,
    "include a file": "{% include '/etc/passwd' %}",
    "render a file": "{% render '../settings' %}",
    "table rows": "{% tablerow i in (1..100000000) cols:2 %}x{% endtablerow %}",
    "work in a loop": "{% assign s = 'abcdefghij' %}"
    + "{% assign s = s | append: s %}" * 12
    + "{% for i in (1..300) %}{% assign t = s | upcase | downcase | reverse | escape | strip_html %}{% endfor %}",
    "split into many": "{% assign s = 'abcdefghij' %}"
    + "{% assign s = s | append: s %}" * 10
    + "{{ s | split: '' | sort | uniq | size }}",
    "unclosed many times": "{% if a %}" * 6000,
    "braces": "{{" * 25_000,
    "tag marks": "{%" * 25_000,
    "braces at odds": "{{%" * 15_000,
    "comments never closed": "{% comment %}" * 4000,
    "raw never closed": "{% raw %}" * 6000,
    "captures never closed": "{% capture a %}" * 3000,
    "quotes never closed": "{{ " + "'" * 50_001 + " }}",
    "safe markup": "{{ customer.name | safe }}",
}


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_soon_and_in_little_memory(source):
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    template = Template(name="Attack", body_en=source)
    with pytest.raises(rendering.BrokenTemplate), one_rendering():
        rendering._fill(template, "body_en", {"customer": {"name": "Ada"}})
    assert time.process_time() - began < 30
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150_000, f"{grown} KB more"


@pytest.mark.parametrize(
    "expression",
    [
        "customer.__class__",
        "customer.name.__class__.__mro__",
        "customer.name.__init__.__globals__",
        "shop.__dict__",
        "recommendations.__getitem__",
        "customer.keys",
        "customer['__class__']",
        "settings.SECRET_KEY",
        "request.user.password",
        "self",
        "forloop.parentloop.__class__",
        "''.__class__",
    ],
)
def test_nothing_but_the_given_values_can_be_reached(expression):
    with one_rendering():
        engine = Sandbox(autoescape=True)
        context = {"customer": {"name": "Ada"}, "shop": {"name": "Shop"}}
        try:
            shown = engine.from_string("{{ " + expression + " }}").render(context)
        except Exception:
            return
    assert shown == ""


def test_an_honest_template_of_common_size_is_quick():
    source = (
        "{% for p in list %}<p>{{ p.title | upcase | truncate: 20 }} {{ p.price }}</p>{% endfor %}"
        * 10
    )
    with one_rendering():
        template = Sandbox(autoescape=True).from_string(source)
        began = time.process_time()
        out = template.render({"list": [{"title": "Tea & cake", "price": i} for i in range(20)]})
        assert time.process_time() - began < 10
    assert out.count("TEA &amp; CAKE") == 200


def test_one_rendering_does_not_see_what_another_missed():
    engine = Sandbox(autoescape=True)
    with one_rendering() as first:
        engine.from_string("{{ a }}").render()
    with one_rendering() as second:
        engine.from_string("{{ b }}").render()
    assert (first, second) == ({"a"}, {"b"})
