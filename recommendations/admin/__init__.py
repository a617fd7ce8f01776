"""The admin of recommendations: trails, rules, online tests, and the pages for staff."""

from recommendations.admin import interleavings, rules, trails  # noqa: F401
