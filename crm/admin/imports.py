"""Imports: bring a file, say what its columns are, see what each row would become, run it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from crm import tasks
from crm.importing import detecting, files, formats, reading, reasons, rejects, running
from crm.importing.formats import FORMATS
from crm.listing import ReadOnlyAdmin
from crm.models import Import

WHY = {
    "empty": _("The file is empty."),
    "not_text": _("This is not a text file. Save the sheet as CSV and bring that."),
    "too_wide": _("The file has more than 200 columns."),
    "too_large": _("The file is larger than 1 GB."),
    "broken_gzip": _("The file is compressed, and cannot be unpacked."),
}
DELIMITERS = [(",", ","), (";", ";"), ("\t", _("tabulator")), ("|", "|")]
ENCODINGS = [(name, name.upper().removesuffix("-SIG")) for name in detecting.ENCODINGS]
SHOWN = 3  # rows beside the names of the columns
SHOWN_REJECTS = 20


class UploadForm(forms.Form):
    format = forms.ChoiceField(
        label=_("What it holds"),
        choices=lambda: [(form.name, form.title) for form in FORMATS.values()],
        widget=UnfoldAdminSelectWidget,
    )
    file = forms.FileField(label=_("File"), widget=UnfoldAdminFileFieldWidget)


class SettingsForm(forms.ModelForm):
    encoding = forms.ChoiceField(
        label=_("Encoding"), choices=ENCODINGS, widget=UnfoldAdminSelectWidget
    )
    delimiter = forms.ChoiceField(
        label=_("Delimiter"), choices=DELIMITERS, widget=UnfoldAdminSelectWidget
    )
    date_order = forms.ChoiceField(
        label=_("Dates"), choices=Import.DateOrder.choices, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = Import
        fields = ["encoding", "delimiter", "date_order", "has_header", "decimal_comma"]


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ["name", "holds", "progress", "created", "updated", "unchanged", "rejected"]
    list_display += ["started_by", "uploaded_at"]
    list_filter = ["state", "format"]
    list_select_related = ["started_by"]
    ordering = ["-pk"]
    nothing_yet = _(
        "Bring a file of customers, products, orders or events; you see what each row would become "
        "before anything is written."
    )

    @display(description=_("what it holds"))
    def holds(self, source: Import) -> str:
        return str(FORMATS[source.format].title if source.format in FORMATS else source.format)

    @display(
        description=_("state"),
        label={
            "uploaded": "default",
            "done": "success",
            "running": "info",
            "failed": "danger",
            "cancelled": "warning",
        },
    )
    def progress(self, source: Import) -> tuple[str, str]:
        running_now = source.state == Import.State.RUNNING
        share = f" {source.percent} %" if running_now else ""
        return source.state, f"{source.get_state_display()}{share}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("crm.add_import"))

    def get_urls(self) -> list[Any]:
        posts = {"settings": self.settings, "start": self.start, "cancel": self.cancel}
        gets: dict[str, Any] = {"progress": self.progress_bar, "rejects": self.rejects}
        views: dict[str, Any] = {name: require_POST(view) for name, view in posts.items()}
        views |= {name: require_GET(view) for name, view in gets.items()}
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"crm_import_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                source = self._accept(request, form)
            except files.Refused as refusal:
                form.add_error("file", WHY[str(refusal)])
            else:
                return redirect("admin:crm_import_change", source.pk)
        return self._page(
            request, "crm/import_upload.html", {"form": form, "title": _("New import")}
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        source = get_object_or_404(Import, pk=object_id)
        rejected = [(row, reasons.said(row.reason)) for row in source.rejects.all()[:SHOWN_REJECTS]]
        shown = {"title": source.name, "source": source, "rejects": rejected}
        if source.state == Import.State.UPLOADED and source.path:
            shown |= self._preparation(source)
        return self._page(request, "crm/import.html", shown)

    def settings(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Correct how the file is read and what its columns are."""
        source = self._waiting(request, pk)
        encoding, delimiter = source.encoding, source.delimiter
        form = SettingsForm(request.POST, instance=source)
        if form.is_valid():
            source = form.save(commit=False)
            source.confidence = 1.0  # a person said so
            if (source.encoding, source.delimiter) != (encoding, delimiter):
                self._arrange(request, source)
            else:
                source.mapping = self._mapping(request, source)
            source.save()
        return redirect("admin:crm_import_change", pk)

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        source = self._own(request, pk)
        missing = self._missing(source)
        if missing:
            self.message_user(request, missing, messages.ERROR)
        elif running.start(source, now=timezone.now()):
            transaction.on_commit(lambda: tasks.run_import.delay(import_id=pk), robust=True)
        return redirect("admin:crm_import_change", pk)

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        running.cancel(self._own(request, pk), now=timezone.now())
        return redirect("admin:crm_import_change", pk)

    def progress_bar(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The bar, for a page that asks again and again; once over, the page loads anew."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        source = get_object_or_404(Import, pk=pk)
        answer = render(request, "crm/import_progress.html", {"source": source})
        if source.state != Import.State.RUNNING:
            answer["HX-Refresh"] = "true"
        return answer

    def rejects(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The rejected rows as CSV. Nothing in it is run by a spreadsheet that opens it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        source = get_object_or_404(Import, pk=pk)
        answer = StreamingHttpResponse(
            rejects.as_csv(source), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="rejects-{source.pk}.csv"'
        return answer

    def _page(self, request: HttpRequest, template: str, shown: dict[str, Any]) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"opts": self.model._meta} | shown
        return render(request, template, context)

    def _accept(self, request: HttpRequest, form: UploadForm) -> Import:
        file = form.cleaned_data["file"]
        if file.size > files.LARGEST:
            raise files.TooLarge("too_large")
        return files.accept(
            file.chunks(),
            name=file.name,
            form=form.cleaned_data["format"],
            by=request.user,
            now=timezone.now(),
        )

    def _own(self, request: HttpRequest, pk: int) -> Import:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(Import, pk=pk)

    def _waiting(self, request: HttpRequest, pk: int) -> Import:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(Import, pk=pk, state=Import.State.UPLOADED)

    def _arrange(self, request: HttpRequest, source: Import) -> None:
        try:
            files.arrange(source)
        except files.Refused as refusal:
            self.message_user(request, WHY[str(refusal)], messages.ERROR)

    def _mapping(self, request: HttpRequest, source: Import) -> dict[str, str]:
        """What was chosen for each column, as far as it is on offer; a field is taken once."""
        form = FORMATS[source.format]
        chosen: dict[str, str] = {}
        for place, name in enumerate(reading.header_of(source)):
            field = request.POST.get(f"column-{place}", "")
            offered = field in form.fields or field == formats.trait_of(name) or field == name
            if field and offered and field not in chosen.values():
                chosen[str(place)] = field
        return chosen

    def _missing(self, source: Import) -> str:
        lacking = FORMATS[source.format].missing(list(source.mapping.values()))
        names = (
            " / ".join(str(formats.LABELS.get(name, name)) for name in one.split(" / "))
            for one in lacking
        )
        return str(_("No column for: %(names)s") % {"names": ", ".join(names)}) if lacking else ""

    def _preparation(self, source: Import) -> dict[str, Any]:
        form = FORMATS[source.format]
        missing = self._missing(source)
        found = [] if missing else running.preview(source, now=timezone.now())
        verdicts = [(verdict, reasons.said(verdict.reason)) for verdict in found]
        return {
            "form": SettingsForm(instance=source),
            "is_csv": form.columns is not None,
            "columns": _columns(source) if form.columns else [],
            "missing": missing,
            "verdicts": verdicts,
        }


def _columns(source: Import) -> list[dict[str, Any]]:
    """Each column with its first cells, and what it may be."""
    form = FORMATS[source.format]
    header = reading.header_of(source)
    first = next(reading.chunks(reading.records(source), SHOWN), [])
    fields = [(name, formats.LABELS.get(name, name)) for name in form.fields]
    columns = []
    for place, name in enumerate(header):
        choices = list(fields)
        if form.columns and "trait." in form.columns.prefixes and source.has_header:
            own = source.mapping.get(str(place), "")
            prefixed = own if own.startswith("consent.") else formats.trait_of(name)
            choices.append((prefixed, prefixed))
        columns.append(
            {
                "place": place,
                "name": name if source.has_header else f"{place + 1}",
                "cells": [one.cells[place][:60] for one in first if place < len(one.cells)],
                "choices": choices,
                "chosen": source.mapping.get(str(place), ""),
            }
        )
    return columns
