"""The deck of stories: which there are, how long each needs, and how often it is dealt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.simulator.stories import blood, hiv, lymphoma, prostate, solid, toxicity

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.simulator.chart import Chart

LONG = 660
"""Days that the stories of months and years need; all verdicts fall within them."""


@dataclass(frozen=True, slots=True)
class Story:
    """One story.

    days: how long it needs from day 0 to its last planted fact.
    share: how many of its cards are in the deck; the uneventful ones are commoner.
    """

    name: str
    write: Callable[[Chart], None]
    days: int = LONG
    share: int = 1


STORIES = (
    Story("prostate-recurrence", prostate.recurrence),
    Story("prostate-no-recurrence", prostate.no_recurrence, share=3),
    Story("prostate-jump", prostate.jump),
    Story("prostate-correction-breaks", prostate.correction_breaks),
    Story("prostate-correction-makes", prostate.correction_makes),
    Story("prostate-wrong-patient", prostate.wrong_patient),
    Story("prostate-phoenix", prostate.phoenix),
    Story("prostate-radiotherapy-control", prostate.radiotherapy_control, share=2),
    Story("prostate-bounce", prostate.bounce),
    Story("prostate-late-nadir", prostate.late_nadir),
    Story("prostate-comfort-only", prostate.comfort_only),
    Story("mcrpc-progression", prostate.resistant_progression),
    Story("mcrpc-response", prostate.resistant_response),
    Story("mcrpc-no-decline", prostate.resistant_from_the_start),
    Story("mcrpc-new-nadir", prostate.resistant_new_nadir),
    Story("mcrpc-nadir-corrected", prostate.nadir_corrected),
    Story("hiv-suppressed", hiv.suppressed, share=4),
    Story("hiv-failure", hiv.failure),
    Story("hiv-failure-in-logs", hiv.failure_in_logs),
    Story("hiv-failure-on-nnrti", hiv.failure_on_nnrti),
    Story("hiv-blip", hiv.blip),
    Story("hiv-resuppressed", hiv.resuppressed),
    Story("hiv-missed-test", hiv.missed_test),
    Story("hiv-rejected-specimen", hiv.rejected_specimen),
    Story("hiv-never-repeated", hiv.never_repeated),
    Story("cml-optimal", blood.optimal, share=2),
    Story("cml-warning", blood.warning),
    Story("cml-failure-month-3", blood.failure_month_3),
    Story("cml-failure-month-6", blood.failure_month_6),
    Story("cml-milestone-missed", blood.milestone_missed),
    Story("cml-response-lost", blood.response_lost),
    Story("myeloma-progression", blood.myeloma_progression),
    Story("myeloma-spike", blood.myeloma_spike),
    Story("myeloma-new-unit", blood.myeloma_new_unit),
    Story("ovary-normalised", solid.ca125_normalised),
    Story("ovary-never-normal", solid.ca125_never_normal),
    Story("ovary-unconfirmed", solid.ca125_unconfirmed),
    Story("ovary-after-puncture", solid.ca125_after_puncture),
    Story("colorectal-growth", solid.growth),
    Story("colorectal-new-lesion", solid.new_lesion),
    Story("colorectal-equivocal", solid.equivocal_lesion),
    Story("colorectal-response", solid.response, share=2),
    Story("colorectal-addendum", solid.addendum),
    Story("lymphoma-complete-response", lymphoma.complete_response, 180, share=2),
    Story("lymphoma-refractory", lymphoma.refractory, 180),
    Story("lymphoma-residual-disease", lymphoma.residual_disease, 180),
    Story("lymphoma-residual-inflammation", lymphoma.residual_inflammation, 180),
    Story("lymphoma-amended-report", lymphoma.amended_report, 180),
    Story("lymphoma-never-restaged", lymphoma.never_restaged, 180),
    Story("lymphoma-restaged-late", lymphoma.restaged_late, 200),
    Story("lymphoma-died", lymphoma.died, 180),
    Story("prolonged-neutropenia", toxicity.prolonged_neutropenia, 130),
    Story("brief-neutropenia", toxicity.brief_neutropenia, 130),
    Story("hys-law", toxicity.hys_law, 130),
    Story("cholestasis", toxicity.cholestasis, 130),
    Story("kidney-injury", toxicity.kidney_injury, 130),
    Story("chemotherapy-without-trouble", toxicity.chemotherapy_without_trouble, 130, share=2),
    Story("control", toxicity.control, 130, share=8),
    Story("strange-unit", toxicity.strange_unit, 130),
)
