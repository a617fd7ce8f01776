from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from campaigns.admin import journey_pages as pages
from campaigns.forms import JourneyForm
from campaigns.journeys import recipes, results, steering, versions, words
from campaigns.journeys.graph import BadGraph
from campaigns.models import Journey, Template

State = Journey.State
COLOURS = {
    State.DRAFT: "info",
    State.LIVE: "success",
    State.PAUSED: "warning",
    State.ENDED: "danger",
}
FROM = {  # from which states a step can be taken: the buttons that are shown
    "launch": {State.DRAFT},
    "publish": {State.LIVE, State.PAUSED},
    "pause": {State.LIVE},
    "resume": {State.PAUSED},
    "end": {State.LIVE, State.PAUSED},
}
RULES = ("again", "again_days", "goal_event", "goal_days", "exit_event", "holdout_share")


class JourneyList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Count the people of all shown journeys with one query."""
        super().get_results(request)
        shown = list(self.result_list)
        counted = results.states_of(shown)
        for journey in shown:
            journey.counts = counted.get(journey.pk, {})
        self.result_list = shown


@admin.register(Journey)
class JourneyAdmin(ModelAdmin):
    form = JourneyForm
    list_display = ("name", "shown_state", "inside", "reached", "left", "launched_at")
    list_filter = ("state",)
    list_per_page = 25
    search_fields = ("name",)
    ordering = ("-pk",)
    show_full_result_count = False
    actions = None
    actions_detail = ("canvas", "result", "launch", "publish", "pause", "resume", "end")
    fieldsets = (
        (None, {"fields": ("name", "topic", ("again", "again_days"))}),
        (_("Goal"), {"fields": (("goal_event", "goal_days"), "exit_event", "holdout_share")}),
        (
            _("Rules"),
            {"fields": (("cap_messages", "cap_days"), ("quiet_from", "quiet_until"))},
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return JourneyList

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new journey begins with a recipe, which knows its own rules."""
        if obj is None:
            return ((None, {"fields": ("name", "topic", "recipe")}),)
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """Who may come again, goals and the held out: changing them would spoil the result."""
        if obj is None or obj.state == State.DRAFT:
            return ()
        return RULES

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_draft = obj is None or obj.state == State.DRAFT
        return super().has_delete_permission(request, obj) and is_draft

    def save_model(
        self, request: HttpRequest, obj: Journey, form: "ModelForm[Journey]", change: Any
    ) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # staff are logged in
            _begin(obj, form.cleaned_data.get("recipe") or "blank")
        super().save_model(request, obj, form, change)
        if change and obj.version_id:
            steering.keep_campaigns(obj)

    def response_add(
        self, request: HttpRequest, obj: Journey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return redirect("admin:campaigns_journey_canvas", obj.pk)

    @display(description=_("state"), label=COLOURS, ordering="state")
    def shown_state(self, journey: Journey) -> tuple[str, str]:
        return journey.state, journey.get_state_display()

    @display(description=_("inside"))
    def inside(self, journey: Journey) -> str:
        return f"{_counted(journey, 'walking'):,}"

    @display(description=_("reached the goal"))
    def reached(self, journey: Journey) -> str:
        return f"{_counted(journey, 'reached'):,}"

    @display(description=_("left"))
    def left(self, journey: Journey) -> str:
        return f"{_counted(journey, 'left'):,}"

    # Pages -------------------------------------------------------------------------------

    @action(description=_("Canvas"), icon="account_tree", permissions=["view"])
    def canvas(self, request: HttpRequest, object_id: str) -> HttpResponse:
        journey = _journey(object_id)
        if request.method == "POST":
            if not self.has_change_permission(request) or journey.state == State.ENDED:
                raise PermissionDenied
            return pages.keep_draft(request, journey)
        return pages.canvas_page(self, request, journey)

    @action(description=_("Result"), icon="monitoring", permissions=["view"])
    def result(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return pages.result_page(self, request, _journey(object_id))

    # Steps: GET asks, POST acts ------------------------------------------------------------

    @action(
        description=_("Launch"), icon="send", permissions=["launch"], variant=ActionVariant.PRIMARY
    )
    def launch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def begin(journey: Journey) -> str:
            steering.launch(journey, now=timezone.now(), by=request.user)
            return gettext("The journey is live.")

        title = gettext("Launch this journey?")
        return self._step(request, object_id, begin, title=title, simulates=True)

    @action(description=_("Put the draft in place"), icon="publish", permissions=["publish"])
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def put(journey: Journey) -> str:
            version = versions.publish(journey, now=timezone.now(), by=request.user)
            return gettext("Version %(number)s is in place.") % {"number": version.number}

        title = gettext("Put the draft in place of the present version?")
        return self._step(request, object_id, put, title=title, moves=True)

    @action(description=_("Pause"), icon="pause", permissions=["pause"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def hold(journey: Journey) -> str:
            steering.pause(journey)
            return gettext("The journey is paused.")

        return self._step(request, object_id, hold, title=gettext("Pause this journey?"))

    @action(description=_("Resume"), icon="play_arrow", permissions=["resume"])
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def go_on(journey: Journey) -> str:
            steering.resume(journey)
            return gettext("The journey goes on.")

        return self._step(request, object_id, go_on, title=gettext("Resume this journey?"))

    @action(description=_("End"), icon="stop", permissions=["end"], variant=ActionVariant.DANGER)
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def stop(journey: Journey) -> str:
            steering.end(journey, now=timezone.now())
            return gettext("The journey has ended.")

        return self._step(request, object_id, stop, title=gettext("End this journey for good?"))

    def has_launch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "launch")

    def has_publish_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "publish")

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "pause")

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "resume")

    def has_end_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, "end")

    def _may(self, request: HttpRequest, object_id: Any, step: str) -> bool:
        """A step that was possible a moment ago is asked for by POST and refused in words."""
        if not self.has_change_permission(request):
            return False
        if request.method == "POST" or object_id is None:
            return True
        journey = Journey.objects.filter(pk=object_id).first()
        return journey is not None and journey.state in FROM[step]

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        take: Callable[[Journey], str],
        *,
        title: str,
        simulates: bool = False,
        moves: bool = False,
    ) -> HttpResponse:
        journey = _journey(object_id)
        if request.method != "POST":
            return pages.confirm_page(
                self, request, journey, title=title, simulates=simulates, moves=moves
            )
        try:
            messages.success(request, take(journey))
        except (steering.NotPossible, BadGraph) as refusal:
            messages.error(request, str(refusal))
        return redirect(reverse("admin:campaigns_journey_canvas", args=[object_id]))


def _journey(object_id: str) -> Journey:
    return get_object_or_404(Journey.objects.select_related("topic", "version"), pk=object_id)


def _counted(journey: Journey, state: str) -> int:
    return int(getattr(journey, "counts", {}).get(state, 0))


def _begin(journey: Journey, code: str) -> None:
    recipe = recipes.RECIPES[code]
    own = words.template_for(code, gettext("Journey: %(name)s") % {"name": recipe.name})
    first = Template.objects.order_by("pk").values_list("pk", flat=True).first() or 0
    journey.draft = recipe.make(own.pk if own else first)
    journey.again, journey.again_days = recipe.again, recipe.again_days
    journey.goal_event, journey.exit_event = recipe.goal_event, recipe.exit_event
