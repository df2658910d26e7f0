"""Views for the inbox's pages, made of the five patients: what the read side would give."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from schemas.actions import Disposition
from schemas.base import as_utc
from services.notifier.cases.case import Case, Course, Finding
from services.notifier.cases.findings import end_of
from services.notifier.cases.words import CaseState, Channel, Duty, desk, person
from services.notifier.inbox.personal.preferences import NamedView, Preferences
from services.notifier.inbox.reading.contract import (
    Asked,
    AuditLine,
    AuditView,
    CaseView,
    CourseWords,
    DeedForm,
    Entry,
    Field,
    Filters,
    FindingView,
    Frame,
    GapView,
    Glass,
    GlassForm,
    GlassGrant,
    GlassReview,
    Heap,
    Heard,
    Letter,
    LettersView,
    MedianView,
    MemberView,
    OnDuty,
    Outcome,
    OwnView,
    PreferencesView,
    Reached,
    RosterView,
    RouteAnswer,
    RouteView,
    Row,
    RulesView,
    RuleView,
    SavedView,
    SignIn,
    Source,
    SourcesView,
    TeamView,
    ToldView,
    Trouble,
    Viewer,
    Worklist,
)
from services.notifier.inbox.reading.deeds import DISPOSITIONS
from support.five_patients import NOW, five_book

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from services.notifier.inbox.reading.contract import Page

ZONE: Final = ZoneInfo("Europe/Berlin")
CSRF: Final = "made-up-token"
FRAME: Final = Frame(
    now=NOW,
    zone=ZONE,
    viewer=Viewer("ward-doctor", "Ward doctor", ("clinician",), ("infectiology", "oncology")),
    csrf=CSRF,
    pages=("/", "/roster", "/route"),
    ends_at=NOW + timedelta(minutes=15),
)
OUTSIDE: Final = Frame(now=NOW, zone=ZONE, csrf=CSRF)
"""Before the sign-in."""


def alerts() -> list[AlertRevision]:
    """The five alerts, least time left first."""
    return sorted(five_book().alerts(), key=_due)


def _due(alert: AlertRevision) -> datetime:
    asked = alert.act_by or alert.confirm_by
    assert asked is not None
    return end_of(asked, ZONE)


def reference(alert: AlertRevision) -> str:
    """A made-up name for addresses."""
    return f"ref-{alert.patient_id[-6:]}"


def row(alert: AlertRevision, **changed: object) -> Row:
    """The row of the case of one alert."""
    due = _due(alert)
    made = Row(
        reference=reference(alert),
        revision=3,
        patient=alert.patient_id,
        title=alert.title,
        kind=alert.kind,
        stage=alert.state,
        severity=alert.severity,
        course=CourseWords(_condition(alert), 1, alert.course_id),
        team="oncology",
        owner=person("ward-doctor"),
        state=CaseState.OVERDUE if due < NOW else CaseState.ASSIGNED,
        findings=1,
        act_by=due,
        left=due - NOW,
        until=None,
        mine=True,
        offered=False,
        news=True,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def _condition(alert: AlertRevision) -> str:
    events = five_book().events(alert.patient_id)
    return next(event.condition for event in events if event.type == "treatment")


def worklist(**changed: object) -> Worklist:
    """The worklist of the five, in several states."""
    first, second, third, *rest = alerts()
    until = NOW + timedelta(days=3)
    rows = (
        row(first),
        row(second, owner=desk("oncology-desk"), mine=False, news=False, findings=2),
        row(third, offered=True, mine=False, owner=person("night-doctor")),
        *(row(one, news=False, state=CaseState.ACKNOWLEDGED, until=until) for one in rest),
    )
    views = (
        SavedView("open", "/?view=open", 5, current=True),
        SavedView("mine", "/?view=mine", 3, current=False),
        SavedView("overdue", "/?view=overdue", 2, current=False),
    )
    made = Worklist(
        rows,
        Filters(),
        views,
        ("infectiology", "oncology"),
        next="/?after=5",
        previous="/?before=1",
        own=(OwnView("Mornings", "/?view=mine&severity=urgent", current=False),),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def case_of(alert: AlertRevision, **changed: object) -> Case:
    """The case of an alert."""
    course = Course(patient_id=alert.patient_id, course_id=alert.course_id, line=1)
    finding = Finding(
        alert_id=alert.alert_id,
        revision=alert.revision,
        statement="s",
        state=alert.state,
        severity=alert.severity,
        rule=alert.rule,
        rule_version=alert.rule_version,
        since=alert.at,
        act_by=_due(alert),
    )
    made = Case(
        course=course.model_copy(update={"condition": _condition(alert)}),
        state=CaseState.ASSIGNED,
        owner=person("ward-doctor"),
        team="oncology",
        opened_at=alert.at,
        findings=(finding,),
    )
    return made.model_copy(update=changed)


def deeds(alert: AlertRevision) -> tuple[DeedForm, ...]:
    """Everything that could be done, with the fields that the read side gives."""
    note = Field("note", "text")
    why = Field("note", "text", required=True)
    codes = tuple((str(code), words) for code, words in DISPOSITIONS.items())
    people = (("person:night-doctor", "night-doctor"), ("desk:oncology-desk", "oncology-desk"))
    to = Field("to", "choice", required=True, choices=people)
    until = Field("until", "moment", required=True, latest=NOW + timedelta(days=9))
    awaiting = Field("awaiting", "choice", choices=(("", "nothing"), ("psa", "psa")))
    titles = ((alert.alert_id, alert.title),)
    fields = {
        "acknowledge": (note,),
        "start": (note,),
        "dispose": (Field("disposition", "choice", required=True, choices=codes), note),
        "snooze": (until, awaiting, note),
        "offer": (to, note),
        "assign": (to, note),
        "comment": (why,),
        "wrong": (Field("alert", "choice", required=True, choices=titles), why),
    }
    hidden = (Field("key", "hidden", value="k1"), Field("revision", "hidden", value="3"))
    where = f"/case/{reference(alert)}"
    return tuple(DeedForm(deed, f"{where}/{deed}", (*hidden, *own)) for deed, own in fields.items())


def case_view(alert: AlertRevision, **changed: object) -> CaseView:
    """The page of a case."""
    at = as_utc(alert.at)
    soon, owner = at + timedelta(minutes=1), "person:ward-doctor"
    sent = Entry(at + timedelta(minutes=2), "system", "delivered", to=owner, channel="push")
    history = (
        Entry(NOW - timedelta(hours=2), "ward-doctor", "viewed"),
        sent,
        Entry(soon, "system", "announce", before="assigned", after="assigned"),
        Entry(at, "system", "owner", after=owner, why="opened; covers the condition"),
        Entry(at, "system", "finding", after=str(alert.state), why=alert.rule),
    )
    finding = case_of(alert).findings[0]
    made = CaseView(
        row=row(alert),
        case=case_of(alert),
        findings=(FindingView(finding, alert, pending=True),),
        history=history,
        deeds=deeds(alert),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def closed_view(alert: AlertRevision) -> CaseView:
    """The page of a case that was closed."""
    closed = {"state": CaseState.CLOSED, "disposition": Disposition.TREATMENT_CHANGED}
    return case_view(
        alert,
        row=row(alert, state=CaseState.CLOSED, act_by=None, left=None, findings=0),
        case=case_of(alert, **closed),
        deeds=(),
    )


def _rules() -> tuple[RuleView, ...]:
    """One that is doing well, one that was demoted, and one that nobody has judged."""
    quick = MedianView("alert_to_notice", 24, timedelta(minutes=3))
    late = MedianView("lead", 24, -timedelta(days=5))
    low, high = Decimal("0.5953"), Decimal("0.9076")
    return (
        RuleView("CML-ELN", 30, 19, 24, low, high, interrupts=True, medians=(quick, late)),
        RuleView("HIV-LLV", 31, 1, 30, Decimal("0.0059"), Decimal("0.1667"), False, ()),  # noqa: FBT003
        RuleView("TOX-FN", 1, 0, 0, None, None, interrupts=True, medians=()),
    )


def _machinery() -> dict[str, tuple[str, Page, Frame]]:
    """Sources and dead letters, seen from here, and not."""
    late = Source("NORTH/LAB", NOW - timedelta(days=3), timedelta(days=1), NOW, 7, 12, 2, 3)
    never = Source("never heard", None, timedelta(hours=2), None, 0, None, 0, 0)
    one = Letter("9f" * 32, "bad_field", "A field has a form.", "NORTH/LAB", NOW, 2, 3, "PID-3",
                 "PID-3: no authority", 512, "clinical.raw, partition 1, offset 7", "dropped",
                 "ops-1", "a test message")  # fmt: skip
    heap = Heap("bad_field", "NORTH/LAB", 3, NOW - timedelta(days=9), NOW)
    acts = ("drop", "replay")
    many = LettersView(True, Asked(), "week", (heap,), (one,), more=True, acts=acts)  # noqa: FBT003
    done = Outcome(1, ("Sent 1 records again, of 1 letters.",))
    single = replace(many, asked=Asked(letter=one.id), done=done, refused="")
    return {
        "sources": ("sources", SourcesView(Heard((late, never), NOW)), FRAME),
        "no-sources": ("sources", SourcesView(None), FRAME),
        "letters": ("letters", many, FRAME),
        "letter": ("letters", single, FRAME),
        "letters-refused": ("letters", replace(many, refused="why: is needed"), FRAME),
        "no-letters": ("letters", LettersView(False, Asked()), FRAME),  # noqa: FBT003
    }


def others() -> dict[str, tuple[str, Page, Frame]]:
    """The other pages, by a name of their own: the page's name, its view, its frame."""
    duties = (
        OnDuty(Duty.OWNER, person("ward-doctor"), desk_stands_in=False),
        OnDuty(Duty.COVER, None, desk_stands_in=False),
        OnDuty(Duty.LEAD, None, desk_stands_in=True),
    )
    members = (MemberView("ward-doctor", "the ward's", (Channel.PUSH, Channel.MESSAGE)),)
    team = TeamView(
        "oncology", "solid tumours", "oncology-desk", ("+49 30 5550100",), duties, members
    )
    gap = GapView(NOW, NOW + timedelta(hours=8), "oncology", Duty.COVER)
    told = (ToldView(NOW, person("ward-doctor"), Channel.PUSH, "the first notice"),)
    answer = RouteAnswer("oncology", "covers the condition", "urgent", NOW, told, ((NOW, "cover"),))
    conditions = ("cml", "hiv")
    chosen = Preferences(views=(NamedView("Mornings", Filters("mine", "urgent", "oncology")),))
    reached = Reached((Channel.PUSH, Channel.MESSAGE), time(7, 30), ZONE)
    line = AuditLine(7, NOW, "ref-200001", "ward-doctor", "viewed", "")
    grant = GlassGrant(1, "ref-200001", "oncology", "night-doctor", "emergency", "bleeding",
                       NOW, NOW + timedelta(hours=1), "", None)  # fmt: skip
    seen = replace(grant, number=2, reviewed_by="lead", reviewed_at=NOW)
    broken = replace(FRAME, glass=(Glass("ref-200001", NOW + timedelta(hours=1)),))
    return {
        "roster": ("roster", RosterView(NOW, (team,), (gap,)), FRAME),
        "stale": ("roster", RosterView(NOW, (team,), (gap,), stale=True), FRAME),
        "route": ("route", RouteView("cml", "", "urgent", "", conditions, answer), FRAME),
        "rules": ("rules", RulesView(_rules()), FRAME),
        "no-rules": ("rules", RulesView(()), FRAME),
        "audit": ("audit", AuditView((line,), "", "", "", "/audit?before=7"), FRAME),
        "glass": ("glass", GlassForm("ref-200001", "oncology", 60), FRAME),
        "glass-review": ("glass-review", GlassReview((grant, seen)), broken),
        "preferences": ("preferences", PreferencesView(chosen, True, reached, saved=True), FRAME),  # noqa: FBT003
        "preferences-of-ops": ("preferences", PreferencesView(Preferences(), False), FRAME),  # noqa: FBT003
        **_machinery(),
        "sign-in": ("sign-in", SignIn(local=True, refused="That was not it."), OUTSIDE),
        "sign-in-house": ("sign-in", SignIn(local=False, ended=True), OUTSIDE),
        "trouble": ("trouble", Trouble(404, "Not found", "There is no such page."), FRAME),
    }
