"""Members of staff for tests, at the desk or not."""

from django.contrib.auth.models import User

from chatbot import presence
from tests.chatbot.conftest import NOW


def make_staff(name="lin", *, at=NOW, is_away=False):
    """A member of staff; at the desk since `at`, unless that is None."""
    staff = User.objects.create_superuser(name, password="x", first_name=name.title())
    if at is not None:
        presence.set_away(staff, is_away=is_away, now=at)
    return staff
