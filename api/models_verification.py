"""The declared shape of the replies about forecasts and what settled."""

from __future__ import annotations

import datetime as dt

from pydantic import ConfigDict, Field

from api import examples_verification as examples
from api.models import Page, Reply


class ComparisonReply(Reply):
    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: dt.date
    extreme: str = Field(description="high or low")
    unit: str = Field(description="Of the event; the temperatures below are in °F whatever it is")
    zeus_prediction_f: float | None = Field(description="Mean forecast of the extreme as known at `zeus_forecast_time`")
    zeus_forecast_time: dt.datetime | None = Field(description="The last look before the settlement day begins")
    zeus_forecast_look: str = Field(description="Its name: the station's standard time on the evening before")
    metar_actual_f: float | None = Field(description="Settlement reading by the rule from the station's own METAR reports")
    error_f: float | None = Field(description="METAR less forecast")
    error_pct: float | None = Field(description="The same as percent of METAR")
    zeus_bracket: str = Field(description="Bracket that the forecast falls in; empty where the ladder is not known")
    metar_bracket: str
    brackets_match: bool | None
    winning_bracket: str = Field(description="Bracket that settled by the venue's word")
    metar_observation_count: int = Field(description="METAR reports with a temperature within the settlement window")
    available: bool = Field(description="Both a forecast and METAR are known; otherwise `reason` says what is not")
    reason: str


class ComparisonsReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.COMPARISONS})
    comparisons: list[ComparisonReply]
    available: bool = Field(description="Whether any row of this page is; otherwise `reason` says why not")
    reason: str
