"""The protocol as a whole: how photos are scored, how visits are compared, and what is reported of a subject."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from oral_lesion.compare.settings import ChangeSettings, ComparisonSettings, LinkSettings, RegistrationSettings
from oral_lesion.endpoint import EndpointSettings
from oral_lesion.errors import Fault, InputError
from oral_lesion.io.change_tables import change_columns, lesion_columns
from oral_lesion.io.endpoint_tables import endpoint_columns
from oral_lesion.io.review.settings import ReviewSettings
from oral_lesion.protocol import ScoringProtocol, faults_of

__all__ = ["STUDY_SECTIONS", "StudyProtocol", "StudySections", "faults_of_version", "read_study_sections"]

STUDY_SECTIONS = ("comparison.registration", "comparison.linking", "endpoint")
"""What a protocol of version 2 has beside the settings of scoring."""

_FIXED_COLUMNS = frozenset({*change_columns(()), *lesion_columns(()), *endpoint_columns(())})
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

_Limits = TypeVar("_Limits", RegistrationSettings, LinkSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySections:
    """
    What a protocol says beyond the scoring of one photo.

    Parameters
    ----------
    comparison : ComparisonSettings
        Registration and linking; the correlation of boundaries is that of `endpoint`.
    endpoint : EndpointSettings
        Schedule, sites and rules.
    review : ReviewSettings or None
        Limits between readers; None where the protocol has none.
    """

    comparison: ComparisonSettings
    endpoint: EndpointSettings
    review: ReviewSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProtocol:
    """
    All settings of a study.

    Parameters
    ----------
    scoring : ScoringProtocol
        Its hash alone stands beside the scores: another endpoint does not change an area.
    comparison : ComparisonSettings
        Registration and linking.
    endpoint : EndpointSettings
        Schedule, sites and rules.
    review : ReviewSettings or None
        Limits between readers; None where the protocol has none, and then its hash does not depend on it.
    """

    scoring: ScoringProtocol
    comparison: ComparisonSettings
    endpoint: EndpointSettings
    review: ReviewSettings | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """All settings as JSON values."""
        return {
            **self.scoring.model_dump(mode="json"),
            "comparison": {
                "registration": asdict(self.comparison.registration),
                "linking": asdict(self.comparison.linking),
            },
            "endpoint": self.endpoint.model_dump(mode="json"),
            **({} if self.review is None else {"review": self.review.model_dump(mode="json")}),
        }

    @property
    def sha256(self) -> str:
        """SHA-256 of all settings as canonical JSON."""
        text = json.dumps(self.settings, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def faults_of_version(settings: Mapping[str, Any]) -> list[Fault]:
    """
    Return what the holder of a protocol of version 1 has to add.

    Parameters
    ----------
    settings : mapping
        As read from TOML.

    Returns
    -------
    list of Fault
        Empty for any other version.
    """
    if settings.get("schema_version") != 1:
        return []
    message = (
        f"is 1, expected 2. Add the sections {', '.join(f'[{name}]' for name in STUDY_SECTIONS)} and "
        "[[endpoint.visits]] (copy them from configs/protocol.toml, docs/protocol.md explains each key), decide their "
        "values for your trial, and write schema_version = 2. The other sections stay as they are."
    )
    return [Fault("schema_version", message)]


def read_study_sections(settings: Mapping[str, Any]) -> StudySections | list[Fault]:
    """
    Read what a protocol says beyond the scoring of one photo.

    Parameters
    ----------
    settings : mapping
        As read from TOML.

    Returns
    -------
    StudySections or list of Fault
        All faults at once, each with its key.
    """
    comparison = settings.get("comparison")
    found: list[Fault] = []
    registration = linking = None
    if isinstance(comparison, dict):
        registration = _limits_of(RegistrationSettings, comparison, "registration", found)
        linking = _limits_of(LinkSettings, comparison, "linking", found)
        unknown = sorted(set(comparison) - {"registration", "linking"})
        found.extend(Fault(f"comparison.{key}", "Extra inputs are not permitted") for key in unknown)
    else:
        found.append(Fault("comparison", "Field required"))
    endpoint = _endpoint_of(settings.get("endpoint"), found)
    review = _review_of(settings["review"], found) if "review" in settings else None
    if registration is None or linking is None or endpoint is None or found:
        return found
    return StudySections(
        comparison=ComparisonSettings(
            registration=registration,
            linking=linking,
            change=ChangeSettings(boundary_correlation=endpoint.boundary_correlation),
        ),
        endpoint=endpoint,
        review=review,
    )


def _limits_of(kind: type[_Limits], comparison: Mapping[str, Any], name: str, found: list[Fault]) -> _Limits | None:
    """Read one section: its record has defaults for those who call it, a protocol has none."""
    hints = get_type_hints(kind)
    required: dict[str, Any] = {one.name: (hints[one.name], ...) for one in fields(kind)}
    try:
        read = create_model(kind.__name__, __config__=_STRICT, **required).model_validate(comparison.get(name, {}))
        return kind(**read.model_dump())
    except ValidationError as error:
        if name not in comparison:
            found.append(Fault(f"comparison.{name}", "Field required"))
        else:
            found.extend(Fault(f"comparison.{name}.{fault.key}", fault.message) for fault in faults_of(error))
    except InputError as error:
        found.append(Fault(f"comparison.{name}", str(error)))
    return None


def _review_of(section: object, found: list[Fault]) -> ReviewSettings | None:
    try:
        return ReviewSettings.model_validate(section)
    except ValidationError as error:
        found.extend(Fault(_below("review", fault.key), fault.message) for fault in faults_of(error))
        return None


def _below(section: str, key: str) -> str:
    return section if key == "(whole file)" else f"{section}.{key}"


def _endpoint_of(section: object, found: list[Fault]) -> EndpointSettings | None:
    if section is None:
        found.append(Fault("endpoint", "Field required"))
        return None
    try:
        endpoint = EndpointSettings.model_validate(section)
    except ValidationError as error:
        found.extend(Fault(_below("endpoint", fault.key), fault.message) for fault in faults_of(error))
        return None
    taken = [name for name in endpoint.strata if name.casefold() in _FIXED_COLUMNS]
    found.extend(Fault("endpoint.strata", f"{name!r} is a column of the tables; rename it") for name in taken)
    return endpoint
