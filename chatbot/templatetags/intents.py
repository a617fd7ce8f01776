"""Intents by their names on pages."""

from django import template

from chatbot.intent_names import name_of

register = template.Library()
register.filter("intent_name", name_of)
