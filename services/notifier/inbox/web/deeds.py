"""What somebody does with a case: fields become a command, and the fold decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.base import describe
from services.notifier.cases.commands import AnyCommand
from services.notifier.inbox.api.answers import Done
from services.notifier.inbox.reading.contract import Trouble
from services.notifier.inbox.reading.deeds import REMARKS
from services.notifier.inbox.reading.house import local_time
from services.notifier.inbox.web.calls import Data, Shown, Submit, Went
from services.notifier.inbox.web.cases import view_of
from services.notifier.service.inputs import asked
from services.notifier.store import once

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from services.notifier.inbox.reading.contract import CaseView, DeedForm, Field
    from services.notifier.inbox.web.calls import Reply
    from services.notifier.inbox.web.visits import Visit

_COMMAND: Final[TypeAdapter[AnyCommand]] = TypeAdapter(AnyCommand)
_CHANGED: Final = "The case has changed since this page was made. Look at it again, then decide."
_LONGEST: Final = 4096
_LONGEST_KEY: Final = 64


def deed(visit: Visit) -> Reply:
    """Do what a form asks, then back to the case."""
    return _do(visit, Went(f"/case/{visit.found.reference}?said={visit.call.places['deed']}"))


def api_deed(visit: Visit) -> Reply:
    """The same for programs."""
    return _do(visit, Data(Done(visit.call.places["deed"], visit.found.reference)))


def _do(visit: Visit, done: Reply) -> Reply:
    view, name = view_of(visit), visit.call.places["deed"]
    if _came_before(visit, view):
        return done
    form = next((one for one in view.deeds if one.deed == name), None)
    if form is None:
        return _refused(visit, view, "This can't be done with the case now.")
    try:
        said = _filled(form, visit.call.form, visit.zone)
    except ValueError as error:
        return _refused(visit, view, str(error))
    if len(said["key"]) > _LONGEST_KEY:
        return _refused(visit, view, f"key: at most {_LONGEST_KEY} characters")
    if name in REMARKS:
        return _remark(visit, view, name, said, done)
    if name == "dispose" and said["revision"] != str(view.row.revision):
        return _refused(visit, view, _CHANGED)
    return _command(visit, view, name, said, done)


def _filled(form: DeedForm, fields: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """The fields of a form, each looked at.

    Raises:
        ValueError: names the field and the reason.
    """
    return {
        field.name: _value(field, fields.get(field.name, "").strip(), zone) for field in form.fields
    }


def _value(field: Field, text: str, zone: ZoneInfo) -> Any:
    if not text:
        if field.required:
            raise ValueError(f"{field.name}: is needed")
        return None
    if len(text) > _LONGEST:
        raise ValueError(f"{field.name}: at most {_LONGEST} characters")
    if field.kind == "choice" and text not in {value for value, _ in field.choices}:
        raise ValueError(f"{field.name}: not one of the choices")
    if field.kind != "moment":
        return text
    try:
        return local_time(text, zone)
    except (ValueError, OverflowError):
        raise ValueError(f"{field.name}: expected a local time") from None


def _command(visit: Visit, view: CaseView, name: str, said: dict[str, Any], done: Reply) -> Reply:
    form = {"key", "revision"}
    fields = {name: one for name, one in said.items() if name not in form and one is not None}
    if "to" in fields:
        kind, _, who = fields["to"].partition(":")
        fields["to"] = {"kind": kind, "id": who}
    try:
        command = _COMMAND.validate_python({"type": name, "by": visit.reader.who, **fields})
    except ValidationError as error:
        return _refused(visit, view, describe(error))
    course = view.case.course
    given = asked(course.patient_id, course.course_id, command, _key(visit, view))
    return Submit(given, done, lambda again, why: _refused(again, view_of(again), why))


def _key(visit: Visit, view: CaseView) -> str:
    """The key under which a deed comes in, once."""
    key = visit.call.form.get("key", "").strip()
    return f"inbox:{view.row.reference}:{visit.reader.who}:{key}"


def _came_before(visit: Visit, view: CaseView) -> bool:
    """Whether it was done already, by a first click; then the second one is answered as the first.

    Else closing a case twice would end with a page that says that it can't be closed.
    """
    return once.is_known(visit.connection, f"command:{_key(visit, view)}")


def _remark(visit: Visit, view: CaseView, name: str, said: dict[str, Any], done: Reply) -> Reply:
    """What somebody says of a case, or of an alert; it stays in the audit trail."""
    about = next((one for one in view.findings if one.finding.alert_id == said.get("alert")), None)
    after = {} if about is None else {"after": about.alert.rule}
    patient_id = view.case.course.patient_id
    once.remember(visit.connection, f"command:{_key(visit, view)}", patient_id, visit.now)
    visit.note(name, why=said["note"], **after)
    return done


def _refused(visit: Visit, view: CaseView, why: str) -> Reply:
    """The page again, with what was filled in; programs are told why."""
    if visit.call.path.startswith("/api/"):
        return Shown("trouble", Trouble(409, "Refused", why), 409)
    name, form = visit.call.places["deed"], visit.call.form
    fields = [one for each in view.deeds if each.deed == name for one in each.fields]
    kept = {one.name: form.get(one.name, "") for one in fields if one.kind != "hidden"}
    return Shown("case", replace(view, refused=why, draft={**kept, "deed": name}), 409)
