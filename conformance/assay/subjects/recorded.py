"""PyTorch as it once answered: a recording (`assay.recording`) in the place of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.subjects.adapter import Adapter

if TYPE_CHECKING:  # every worker imports this module, few need a recording
    from assay.case import Case
    from assay.outcome import Outcome
    from assay.truth import ReferenceAnswer


class Recorded(Adapter):
    """Answers the cases of a recording, and no others. Raises RecordingError where the file is none."""

    def __init__(self, path: str) -> None:
        from assay.recording import opened

        super().__init__()
        self._recording = opened(path)

    def answered(self, case: Case, role: str) -> ReferenceAnswer | Outcome:
        """What was recorded of `case`, with the truth in the role "reference". Raises KeyError for other cases."""
        answer = self._recording.answer(case)
        return answer if role == "reference" else answer.outcome
