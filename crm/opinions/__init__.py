"""What customers say: reviews and chat messages, understood one by one, read together."""

from crm.opinions.noting import Said, note, take_reviews
from crm.opinions.understanding import catch_up, lexicon, understand

__all__ = ["Said", "catch_up", "lexicon", "note", "take_reviews", "understand"]
