"""Several places in one question: coordinates in lists, and an answer that is a list of what each place alone would get."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from core.errors import WireError
from core.model.station import Station
from venues.http import Answer, Http
from venues.spans import json_elements

_Query = Mapping[str, str]


def place_of(stations: Sequence[Station]) -> dict[str, str]:
    """Return the coordinates of some stations as a question names them."""
    return {
        "latitude": ",".join(f"{station.latitude:.4f}" for station in stations),
        "longitude": ",".join(f"{station.longitude:.4f}" for station in stations),
    }


def asked(
    http: Http, url: str, codes: Sequence[str], query_of: Callable[[Sequence[str]], _Query], *, at_once: int
) -> list[Answer]:
    """Return an answer for each station, in their order; its bytes are those of the station's own element."""
    batches = [codes[i : i + at_once] for i in range(0, len(codes), at_once)]
    answers = http.get_all(url, [query_of(batch) for batch in batches])
    return [own for batch, answer in zip(batches, answers, strict=True) for own in shared_out(answer, len(batch))]


def shared_out(answer: Answer, n_places: int) -> list[Answer]:
    """Return what an answer about some places says of each of them; a failure is everybody's."""
    if answer.error is not None or n_places == 1:
        return [answer] * n_places
    try:
        parts = [part for part, _ in json_elements(answer.content, "open_meteo")]
        if len(parts) != n_places:
            raise WireError(f"open_meteo: {len(parts)} places came of {n_places} asked for; the bytes are kept")
    except WireError as error:
        return [replace(answer, error=error)] * n_places
    return [replace(answer, content=part) for part in parts]
