"""What a criterion says at a fact, and how its episode stands afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import Role, State
from services.detector.engine.episode import Episode, Phase, seat_of
from services.detector.engine.finding import Finding, cite, worth
from services.detector.engine.suspicion import following

if TYPE_CHECKING:
    from services.detector.engine.criterion import Criterion
    from services.detector.engine.fact import Fact
    from services.detector.engine.finding import Arm, Note
    from services.detector.engine.terms import Cited, Context, Proof

Verdict = tuple[Episode, tuple["Note", ...]]
"""The episode as it stands now, and what is to be told."""


def suspected(criterion: Criterion, episode: Episode, arm: Arm, context: Context) -> Verdict:
    """A suspicion opens, or gets another name."""
    proof = arm.when.prove(context)
    cited = cite(setting(criterion, context), ((context.fact, Role.TRIGGER),), proof.cited)
    cited = cite(cited, _settlement(criterion, episode, cited, context))
    standing = episode.begun(arm.tag, cited, grounds(criterion, context), context)
    return standing, (
        Finding(
            criterion.name,
            State.SUSPECTED,
            opens=episode.phase is Phase.SILENT,
            day=context.fact.day,
            tag=arm.tag,
            grade=arm.grade,
            severity=criterion.severity(arm, context),
            onset=context.fact,
            trigger=context.fact,
            cited=cited,
            proof=proof,
            value=worth(arm.value or criterion.value, context),
        ),
    )


def confirmed(
    criterion: Criterion, episode: Episode, arm: Arm, proof: Proof, context: Context
) -> Verdict:
    """It is so: at once, or by the fact in question."""
    fact, named = context.fact, criterion.further_name(context)
    tag = (named.tag if named is not None else None) or arm.tag
    onset = _onset(episode, proof, fact)
    cited = cite(
        setting(criterion, context),
        proof.cited,
        ((fact, Role.TRIGGER),),
        named.when.prove(context).cited if named is not None else (),
    )
    seat = seat_of(context) if onset is fact else episode.seat
    standing = episode._replace(
        phase=Phase.CONFIRMED, first=onset, tag=tag, cited=cited, run=(), seat=seat
    )
    return standing, (
        Finding(
            criterion.name,
            State.CONFIRMED,
            opens=episode.phase is Phase.SILENT,
            day=fact.day,
            tag=tag,
            grade=arm.grade,
            severity=criterion.severity(named if named and named.severity else arm, context),
            onset=onset,
            trigger=fact,
            cited=cited,
            proof=proof,
            value=worth(arm.value or criterion.value, context),
            action=criterion.named_action(context),
        ),
    )


def informed(criterion: Criterion, episode: Episode, arm: Arm, context: Context) -> Verdict:
    """Say once what is worth knowing; a preliminary report is not."""
    opens, fact = episode.phase is Phase.SILENT, context.fact
    if fact.provisional or not (opens or arm.tag != episode.tag):
        return episode, ()
    proof = arm.when.prove(context)
    cited = cite(setting(criterion, context), ((fact, Role.TRIGGER),), proof.cited)
    standing = episode.begun(arm.tag, cited, grounds(criterion, context), context)
    return standing._replace(phase=Phase.INFORMED), (
        Finding(
            criterion.name,
            State.INFO,
            opens=opens,
            day=fact.day,
            tag=arm.tag,
            grade=arm.grade,
            onset=fact,
            trigger=fact,
            cited=cited,
            proof=proof,
            value=worth(arm.value or criterion.value, context),
        ),
    )


def settled(
    criterion: Criterion, episode: Episode, tag: str, proof: Proof, context: Context
) -> Verdict:
    """A suspicion turns out to be no more than worth knowing; it keeps its date."""
    fact = context.fact
    cited = cite(episode.grounds, ((fact, Role.CONFIRMATION),), proof.cited)
    standing = episode._replace(phase=Phase.INFORMED, tag=tag, cited=cited, run=())
    return standing, (
        Finding(
            criterion.name,
            State.INFO,
            opens=False,
            day=fact.day,
            tag=tag,
            onset=episode.first,
            trigger=fact,
            cited=cited,
            proof=proof,
            value=worth(criterion.value, context),
        ),
    )


def refuted(
    criterion: Criterion, episode: Episode, tag: str | None, proof: Proof | None, context: Context
) -> Verdict:
    """It isn't so, or no longer; of a suspicion it is remembered what refuted it."""
    finding = Finding(
        criterion.name,
        State.REFUTED,
        opens=False,
        day=context.fact.day,
        tag=tag,
        onset=episode.first,
        trigger=context.fact,
        cited=cite(
            ((context.fact, Role.TRIGGER),),
            proof.cited if proof else (),
            _clock(context),
        ),
        proof=proof,
        value=worth(criterion.value, context),
    )
    if episode.phase is not Phase.SUSPECTED:
        return episode.over(), (finding,)
    former = episode._replace(formers=(), run=())
    formers = (*episode.formers[:1], (former, context.fact))
    return episode.over()._replace(formers=formers), (finding,)


# ---------------------------------------------------------------- evidence


def grounds(criterion: Criterion, context: Context) -> tuple[Cited, ...]:
    """The least evidence for a suspicion under whatever name, once it is called otherwise."""
    # Of a preliminary result, what would confirm at once only suspects.
    arms = (*criterion.confirmed, *criterion.suspect)
    proofs = [arm.when.prove(context) for arm in arms if arm.when.holds(context)]
    least = min((proof.cited for proof in proofs), key=len, default=())
    return cite(setting(criterion, context), ((context.fact, Role.TRIGGER),), least)


def setting(criterion: Criterion, context: Context) -> tuple[Cited, ...]:
    """The clock, and what the `if` condition rests on."""
    given = criterion.given.prove(context).cited if criterion.given is not None else ()
    around = tuple((fact, role) for fact, role in given if fact is not context.fact)
    return _clock(context) + around


def _clock(context: Context) -> tuple[Cited, ...]:
    return ((context.clock, Role.CLOCK),) if context.clock is not None else ()


def _onset(episode: Episode, proof: Proof, fact: Fact) -> Fact:
    """The first qualifying fact: that of the suspicion which is confirmed, if it was one."""
    by_confirmation = any(role is Role.CONFIRMATION for _, role in proof.cited)
    return episode.first if by_confirmation and episode.first is not None else fact


def _settlement(
    criterion: Criterion, episode: Episode, cited: tuple[Cited, ...], context: Context
) -> tuple[Cited, ...]:
    """What settled a suspicion before, where this one would not be told without it.

    If this evidence holds all of that one's, that one would still stand in the light of it alone,
    and this fact be judged as its answer.
    """
    known = {fact for fact, _ in cited}
    return tuple(
        (answer, Role.SUPPORT)
        for former, answer in episode.formers
        if answer is not context.fact
        and all(fact in known for fact, _ in former.cited)
        and not _is_free_of(criterion, former, context)
    )


def _is_free_of(criterion: Criterion, former: Episode, context: Context) -> bool:
    """Whether this fact would refute a former suspicion and begin anew, did that one stand."""
    there = following(context, former)
    if criterion.qualifies(there) is True:
        return False
    return any(one.anew and one.when.holds(there) for one in criterion.refute)
