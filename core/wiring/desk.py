"""A weather desk on a live, a demo or an in-process world."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from requests.adapters import BaseAdapter

from agents.collect import collect
from agents.engine import Engine
from agents.paper import LivePaperBroker, PaperBroker
from agents.probe import Probe
from agents.schedules import LiveSchedule
from agents.transmission.constraints.rules import check_rules
from agents.wakes import CommandWatch, ReportWatch, Wake, first_of
from agents.weather.desk import WeatherDesk
from core.clock import Clock, SteppedClock, SystemClock
from core.control.beats import Beats
from core.control.commands import Commands
from core.errors import SettingsError
from core.failpoints import failpoint
from core.journal.durable import DurableJournal
from core.journal.lines import CycleLine
from core.journal.reader import JournalReader
from core.journal.trade_copies import TradeCopies
from core.model.account import new_account
from core.model.cycle import Cause, Cycle
from core.model.record import Record
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.store.evaluations import EvaluationStore
from core.store.sessions import record_settings
from core.store.snapshots import SnapshotStore
from core.store.track import TrackStore
from core.units import Columns, micro, micros
from core.wiring.heart import Heart
from core.wiring.sources import build_sources, close_all, in_process
from venues.demo.places import DEFAULT
from venues.demo.transport import DemoAdapter
from venues.demo.world import START, World

LIVE_STATIONS = ("EGLC", "KLGA", "KNYC", "KMIA")  # the first two for Polymarket, the others for Kalshi
LEARNED_BACK, LEARNED_TOGETHER = timedelta(days=500), timedelta(days=7)


def demo_adapter(seed: int, faults: str = "none") -> BaseAdapter:
    """Return a demo world that answers inside this process; SettingsError for a fault that there is not."""
    try:
        return DemoAdapter(World(seed, faults=faults))
    except ValueError as error:
        raise SettingsError(f"HERMES_DEMO_FAULTS: {error}") from None


def world_start() -> datetime:
    """Return the first instant of every demo world."""
    return START


def active_stations(settings: Settings, world: str) -> dict[str, Station]:
    """Return the stations that the desk trades; SettingsError for a code that the registry does not know."""
    known = load_stations()
    default = DEFAULT if world.startswith("demo") else LIVE_STATIONS if world == "live" else tuple(known)
    wanted = settings.stations or default
    unknown = [code for code in wanted if code not in known]
    if unknown:
        raise SettingsError(f"unknown station {', '.join(unknown)}; data/registry/stations.csv has {', '.join(sorted(known))}")
    return {code: known[code] for code in wanted}


def journal_address(settings: Settings, data_dir: Path) -> str:
    """Return where the money is kept."""
    return settings.database_url or f"sqlite:///{data_dir / 'hermes.db'}"


def run_weather(
    settings: Settings, data_dir: Path, world: str, *, stopping: Callable[[], bool], until: datetime | None = None,
    adapter: BaseAdapter | None = None, start: datetime = START, trades: bool = True,
    on_clock: Callable[[Clock], None] = lambda clock: None, progress: Callable[[Cycle], None] = lambda cycle: None,
    at_once: bool = False,
) -> None:  # fmt: skip
    """Run the weather desk until it is told to stop.

    Args:
        world: "live" or "demo:SEED".
        until: simulated instant at which to end.
        adapter: answers inside this process instead of over HTTP, as fast as it can.
        start: first instant of a new journal of a simulated world.
        at_once: the first cycle is now, not at the next tick.
        on_clock: is given the clock, so that a signal can interrupt its waits.
    """
    simulated, settings = world.startswith("demo"), settings.in_world(world)
    if adapter is not None:
        settings = in_process(settings)
    stations = active_stations(settings, world)
    journal = DurableJournal(
        journal_address(settings, data_dir), desk="weather", world=world, start_micro=micro(str(settings.start_cash_usd)),
        failpoint=failpoint,
    )  # fmt: skip
    reader = JournalReader(journal_address(settings, data_dir))
    last = reader.last_cycle("weather")
    clock = _clock(settings, last, start, simulated=simulated, paced=adapter is None)
    on_clock(clock)
    check_rules(settings, clock.now())
    record_settings(settings.model_copy(update={"stations": tuple(stations)}), data_dir, clock.now())
    sources = build_sources(settings, clock, adapter=adapter, simulated=simulated)
    snapshots, commands, beats = SnapshotStore(data_dir), Commands(data_dir), Beats(data_dir)
    archive = Archive(data_dir, snapshots)
    every = timedelta(seconds=settings.interval_seconds)

    heart = Heart(beats, clock, settings, world, sources, progress)

    track = TrackStore(data_dir, "weather")
    desk = WeatherDesk(tuple(stations.values()), settings)
    desk.resume(track.track(desk.maker, micros(clock.now() - LEARNED_BACK)))
    engine = Engine(
        desk=desk, track=track, sources=sources, snapshots=snapshots, archive=archive,
        evaluations=EvaluationStore(data_dir, "weather"), journal=journal, commands=commands, stations=load_stations(),
        broker=LivePaperBroker(PaperBroker(settings), sources, snapshots, clock), clock=clock, settings=settings,
        data_dir=data_dir, beat=heart.beat, trades=trades,
        follow=partial(TradeCopies(data_dir).follow, reader),
        probe=Probe("weather", reader, sources, data_dir, simulated=simulated, writable=journal.writable),
    )  # fmt: skip
    watches: list[Callable[[], Wake | None]] = [CommandWatch(commands, "weather", data_dir)]
    if "metar" in sources:
        watches.append(ReportWatch(sources["metar"], tuple(stations), snapshots, clock))
    schedule = LiveSchedule(
        clock, "weather", every, resume=last.cycle if last else None, slice_seconds=0 if simulated else 5,
        wakes=first_of(*([] if simulated else watches)),
        stopping=lambda: stopping() or (until is not None and clock.now() >= until),
        waiting=lambda due: heart.beat("waiting", None, {}), at_once=at_once,
    )  # fmt: skip
    heart.beat("starting", None, {})
    try:
        with nullcontext() if simulated else heart.pulse():
            engine.run(schedule, last)
    finally:
        heart.beat("stopped", None, {})
        close_all(sources)


def learn(
    settings: Settings, data_dir: Path, world: str, until: datetime, *, watch: Callable[[int], None] = lambda n: None,
    stopping: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Score what was settled in a data folder and is not yet, a week at a time, and keep it; return how many events.

    A desk that starts there afterwards need not do it in its first cycle, and goes on where this was stopped.
    """
    settings = settings.in_world(world)
    archive, store = Archive(data_dir), TrackStore(data_dir, "weather")
    desk = WeatherDesk(tuple(active_stations(settings, world).values()), settings)
    desk.resume(store.track(desk.maker, micros(until - LEARNED_BACK)))
    n, at = 0, until - LEARNED_BACK
    try:
        while at < until and not stopping():
            at = min(at + LEARNED_TOGETHER, until)
            desk.observe(archive.as_of([at]))
            track, states = desk.learned()
            store.append(track, states)
            if len(track["event_id"]):
                n += len(set(track["event_id"].tolist()))
                watch(n)
    finally:
        store.close()
    return n


def made_again(settings: Settings, data_dir: Path, world: str, until: datetime) -> tuple[str, Columns, Columns]:
    """Return the maker, and all that is learned of a data folder up to an instant, made from its archive alone."""
    settings = settings.in_world(world)
    desk = WeatherDesk(tuple(active_stations(settings, world).values()), settings)
    desk.observe(Archive(data_dir).as_of([until]))
    return desk.maker, *desk.learned()


def _clock(settings: Settings, last: CycleLine | None, start: datetime, *, simulated: bool, paced: bool) -> Clock:
    if not simulated:
        return SystemClock()
    return SteppedClock(start if last is None else last.cycle.sealed_at, settings.speed if paced else 0.0)


def collect_once(settings: Settings, data_dir: Path, world: str) -> tuple[Record, ...]:
    """Ask every source once about the active stations, keep the answers and return them."""
    clock = SystemClock()
    sources = build_sources(settings, clock, simulated=False)
    snapshots = SnapshotStore(data_dir)
    archive = Archive(data_dir, snapshots)
    desk = WeatherDesk(tuple(active_stations(settings, world).values()), settings)
    account = new_account("weather", world, 0)
    found: list[Record] = []
    with ThreadPoolExecutor(max_workers=len(sources)) as pool:
        for number in (1, 2):  # listings first: only then is it known which books to ask for
            cycle = Cycle("weather", clock.now(), number, Cause.COMMAND, (), clock.now(), clock.now())
            asks = desk.asks(cycle, account, archive.as_of([clock.now()]))
            _, records = collect(cycle, asks, sources, snapshots, clock=clock, pool=pool, latency=timedelta(0))
            found.extend(records)
    return tuple(found)


def evaluate_now(settings: Settings, data_dir: Path, world: str) -> tuple[datetime, Columns, Columns]:
    """Return what the desk believes of what was recorded so far, after asking every source."""
    collect_once(settings, data_dir, world)
    at = SystemClock().now()
    desk = WeatherDesk(tuple(active_stations(settings, world).values()), settings)
    outlooks, brackets = desk.columns(desk.evaluate(desk.observe(Archive(data_dir).as_of([at])), settings), 0)
    return at, outlooks, brackets
