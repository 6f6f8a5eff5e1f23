"""Sections of the settings, each value with its range and its sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.days import parse_sessions

MODES = ("auto", "live", "demo", "collect", "replay")
Mode = Literal["auto", "live", "demo", "collect", "replay"]


class SourceSettings(BaseModel):
    """One outside service."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    enabled: bool = Field(True, description="Ask this service at all")
    base_url: str = Field("", description="Address, without a trailing slash; empty takes the service's own")
    key: str = Field("", description="Key, where the service needs one", repr=False)
    timeout_seconds: float = Field(3.0, gt=0, le=60, description="Longest wait for one answer [s]")
    requests_per_minute: int = Field(600, ge=1, le=60_000, description="Most requests to one host in a minute")


class RiskSettings(BaseModel):
    """Limits in R0, the share of equity that is one unit of risk (TRANSMISSION 1.3 and 1.4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    unit_pct: float = Field(1.0, gt=0, le=2, description="One unit of risk R0 [% of equity at the start of the desk day]")
    day_loss_r: float = Field(2.0, gt=0, le=5, description="Loss of a desk day that stops new risk [R0]")
    week_loss_r: float = Field(4.0, gt=0, le=10, description="Loss of a desk week that stops new risk [R0]")
    bracket_r: float = Field(0.2, gt=0, le=3, description="Most at risk in one bracket [R0]")
    city_day_r: float = Field(0.4, gt=0, le=10, description="Most at risk in one city and day, all venues, highs and lows [R0]")
    region_day_r: float = Field(1.0, gt=0, le=12, description="Most at risk in one weather region and day [R0]")
    desk_day_r: float = Field(2.0, gt=0, le=30, description="Most at risk in events of one event day [R0]")
    open_r: float = Field(4.0, gt=0, le=60, description="Most at risk in all that is open [R0]")
    source_r: float = Field(2.0, gt=0, le=60, description="Most at risk on one settlement source [R0]")
    drawdown_reference_r: float = Field(
        12.0, gt=0, le=15, description="Drawdown from the reference high that pauses until a person rebases it [R0]"
    )
    drawdown_all_time_r: float = Field(
        15.0, gt=0, le=30, description="Drawdown from the highest equity ever that pauses until this setting is changed [R0]"
    )
    account_drawdown_pct: float = Field(
        15.0, gt=0, le=30, description="Drawdown of all desks together that pauses every desk [% of their highest equity]"
    )
    red_days_alert: int = Field(3, ge=1, le=30, description="Losing desk days in a row that are announced")
    results_z: float = Field(
        3.0, gt=0, le=6, description="How far settled events may fall behind what was claimed of them before a pause [sd]"
    )
    step_events: int = Field(12, ge=1, le=200, description="Newly settled events after which the size is judged again")
    step_share: float = Field(0.5, gt=0, le=1, description="What is left of the size after a bad stretch or a rebase")
    step_down_z: float = Field(2.0, gt=0, le=6, description="Shortfall against claims that steps the size down [sd]")
    step_up_z: float = Field(1.0, gt=0, le=6, description="Shortfall against claims below which it may step up again [sd]")
    step_down_r: float = Field(6.0, gt=0, le=15, description="Drawdown that steps the size down [R0]")
    step_up_r: float = Field(4.0, gt=0, le=15, description="Drawdown below which it may step up again [R0]")
    futures_week_loss_r: float = Field(5.0, gt=0, le=10, description="Futures: loss of a week that stops new risk [R0]")
    futures_drawdown_reference_r: float = Field(
        10.0, gt=0, le=15, description="Futures: drawdown from the reference high that pauses [R0]"
    )
    futures_red_days: int = Field(3, ge=1, le=30, description="Futures: losing days in a row that pause the desk")
    min_cash_pct: float = Field(10.0, ge=1, le=100, description="Cash that is never spent [% of equity]")
    worst_day_r: float = Field(3.0, gt=0, le=8, description="Most that a desk day may lose if all that settles goes wrong [R0]")
    bid_minutes: float = Field(30.0, gt=0, le=240, description="How long a bid stands for the value of a holding [min]")
    probe_share: float = Field(
        0.10, gt=0, le=0.25, description="Size before the record has earned more, as a share of normal size"
    )
    probe_minimum_r: float = Field(0.1, ge=0, le=1, description="Dearest venue minimum that a probe may be raised to [R0]")


class WeatherSettings(BaseModel):
    """The weather desk."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kelly_fraction: float = Field(0.25, ge=0, le=1, description="Share of the growth-optimal position that is wanted")
    pool_weight: float = Field(0.3, ge=0, le=0.7, description="Weight of the model in the log-pool with the market")
    lockup_rate: float = Field(
        0.0002, ge=0, le=0.01, description="What money costs that is tied up, in sizing only [share of the price per day]"
    )
    hedges: bool = Field(
        False, description="Want legs without an edge of their own, where the market is heard and they hedge others"
    )
    arbitrage: bool = Field(False, description="Want sets of brackets that pay more than they cost, leg by leg")
    count_conversion: bool = Field(
        False, description="Size as if NO of several brackets were converted at once, so that they tie up less money"
    )
    conversion_fee_bp: float = Field(0.0, ge=0, le=1_000, description="Fee of such a conversion [1/100 % of the dollars freed]")
    correlation_km: float = Field(
        600.0,
        ge=0,
        le=5_000,
        description="Distance at which errors of two stations correlate by 1/e [km]; 0: one number for all",
    )
    station_correlation: float = Field(
        0.25, ge=0, le=1, description="Correlation of errors of two stations of a day, where distances do not say"
    )
    exit_edge_min: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="Least gain over what a share is worth to the account for which a holding is sold [USD per share]",
    )
    max_spread: float = Field(
        0.04, gt=0, le=1, description="Widest spread that is traded [USD], or a quarter of the mid if that is more"
    )
    max_depth_share: float = Field(0.25, gt=0, le=0.5, description="Largest part of the shown depth that an order takes")
    book_age_seconds: float = Field(60.0, gt=0, le=600, description="Oldest book at a decision [s]")
    print_age_minutes: float = Field(
        60.0, gt=0, le=1440, description="Oldest print that stands for a price, where only prints exist [min]"
    )
    max_cost_share: float = Field(
        0.5, gt=0, le=1, description="Largest part of the gross edge that half spread and walk may cost"
    )
    chase_ticks: int = Field(3, ge=0, le=50, description="How far beyond the best price an order may reach [ticks]")
    print_slip: float = Field(
        0.01,
        ge=0,
        le=0.2,
        description="How much worse than the last print is counted on, where only prints exist [USD per share]",
    )
    max_print_share: float = Field(0.10, gt=0, le=1, description="Largest part of a print's size that fills us")
    fair_gap: float = Field(0.25, gt=0, le=1, description="Distance of fair value and mid that halves the size")
    inferred_rules: bool = Field(
        False, description="Trade events of whose rule a part was concluded, not read; a backtest over imported history does"
    )
    latency_seconds: float = Field(2.0, ge=0, le=60, description="From decision to the book that fills it [s]")
    convert: bool = Field(
        True, description="Once an event is no longer traded, convert NO of several brackets to dollars where the venue does so"
    )
    decision_age_seconds: float = Field(
        5.0,
        gt=0,
        le=30,
        description="Live: how long after the moment of an order its book may come before the order is void [s]",
    )
    resting: bool = Field(
        False, description="Rest at a passive price where the guard refuses to take and the edge is enough there"
    )
    discover_minutes: int = Field(60, ge=1, le=1440, description="How often listings are read again [min]")
    ensemble_minutes: int = Field(360, ge=15, le=1440, description="How often forecast ensembles are asked for [min]")
    forecast_models: str = Field(
        "ecmwf_ifs025,gfs_seamless,icon_seamless",
        pattern=r"^[a-z0-9_]+(,[a-z0-9_]+)*$",
        description="Forecast models that are asked for, with commas",
    )
    ensemble_models: str = Field(
        "ecmwf_ifs025,gfs_seamless,icon_seamless",
        pattern=r"^[a-z0-9_]+(,[a-z0-9_]+)*$",
        description="Ensemble models that are asked for, with commas",
    )


class RuleSettings(BaseModel):
    """What a person forbids a desk, and the account rules that it follows; 0 and empty are off (TRANSMISSION 1.5)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    trades_per_day: int = Field(0, ge=0, le=10_000, description="Most purchases of a desk day; 0: any number")
    trades_per_week: int = Field(0, ge=0, le=50_000, description="Most purchases of a desk week; 0: any number")
    sessions: str = Field(
        "",
        description="When purchases may be made, as `Mon-Fri 08:30-15:00 America/Chicago`, several with semicolons; empty: always",
    )
    blackout: str = Field(
        "",
        pattern=r"^$|^[a-z0-9_]+(,[a-z0-9_]+)*$",
        description="Kinds of releases in data/registry/calendar.csv around which nothing is bought, with commas, or all",
    )
    instruments: str = Field(
        "", description="What may be bought, patterns `station/venue/event` with commas (`KLGA/*/*`); empty: everything"
    )
    max_size: float = Field(0.0, ge=0, le=1e9, description="Largest position in one instrument [shares]; 0: any")
    max_spread: float = Field(0.0, ge=0, le=1, description="Widest spread of a purchase [USD per share]; 0: any")
    min_depth: float = Field(
        0.0, ge=0, le=1e9, description="Least that is shown within the limit price of a purchase [shares]; 0: any"
    )
    max_slippage: float = Field(
        0.0, ge=0, le=1, description="Most that a purchase is expected to pay above the best ask [USD per share]; 0: any"
    )
    min_operator: int = Field(1, ge=1, le=5, description="Least position of the operator dial at which anything is bought")
    accounts: str = Field(
        "none",
        pattern=r"^[a-z0-9_]+(,[a-z0-9_]+)*$",
        description="Account rules that are followed, names of data/registry/account_profiles.csv with commas",
    )

    @field_validator("sessions")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_sessions(value)
        return value


class GuardSettings(BaseModel):
    """How healthy this host and its sources must be for new risk, and when resting orders are taken back (TRANSMISSION 1.7)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    clock_skew_seconds: float = Field(2.0, gt=0, le=60, description="Most that our clock may differ from every service's [s]")
    order_latency_seconds: float = Field(5.0, gt=0, le=600, description="Longest p99 from order to answer, last 50 [s]")
    gap_cadences: float = Field(2.0, ge=1, le=96, description="Longest gap in what was collected [intervals between cycles]")
    disk_free_mb: float = Field(200.0, ge=0, le=1e6, description="Least free space on the disk of the data folder [MB]")
    quiet_before_minutes: float = Field(
        2.0, ge=0, le=60, description="How long before a report or a model release resting orders are taken back [min]"
    )
    quiet_after_minutes: float = Field(
        8.0, ge=0, le=120, description="How long after its time a report or a model release may still come in [min]"
    )


class Settings(BaseSettings):
    """Everything that can be set. `HERMES_X` comes first, documented bare names are aliases; `.env` comes last."""

    model_config = SettingsConfigDict(
        env_prefix="HERMES_", env_nested_delimiter="__", env_file_encoding="utf-8-sig", extra="ignore", frozen=True,
        validate_default=True, populate_by_name=True, env_ignore_empty=True,
    )  # fmt: skip

    mode: Mode = Field("auto", description="auto takes live if the public services answer, else demo")
    data_dir: Path = Field(Path("data"), description="Where everything written at run time lies")
    api_host: str = Field("127.0.0.1", description="Address of the sidecar; anything but loopback needs a token")
    api_port: int = Field(8000, ge=1, le=65_535, description="Port of the sidecar")
    dashboard_port: int = Field(8501, ge=1, le=65_535, description="Port of the dashboard")
    world_port: int = Field(0, ge=0, le=65_535, description="Port of the demo world; 0 takes a free one")
    speed: float = Field(300.0, ge=0, le=1_000_000, description="Demo: simulated seconds in a second; 0 runs unpaced")
    seed: int = Field(7, ge=0, le=2**31 - 1, description="Demo: which world")
    demo_faults: str = Field(
        "none",
        pattern=r"^[a-z_]+(,[a-z_]+)*$",
        description="Demo: what goes wrong at the services; none, all, or names with commas",
    )
    database_url: str = Field("", description="Journal; empty is SQLite in the data folder", repr=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=AliasChoices("HERMES_LOG_LEVEL", "LOG_LEVEL"), description="Least level of process logs"
    )
    execution_mode: Literal["paper"] = Field(
        "paper", validation_alias=AliasChoices("HERMES_EXECUTION_MODE", "EXECUTION_MODE"), description="Only paper exists"
    )
    stations: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias=AliasChoices("HERMES_STATIONS", "HERMES_ACTIVE_STATIONS", "ACTIVE_STATIONS"),
        description="Active stations, ICAO codes with commas; empty: EGLC,KLGA,KNYC,KMIA live, its usual ones in a demo",
    )
    interval_seconds: int = Field(
        900,
        ge=1,
        le=86_400,
        validation_alias=AliasChoices("HERMES_INTERVAL_SECONDS", "DYNAMIC_INTERVAL_SECONDS"),
        description="Time between two cycles [s]",
    )
    lookahead_days: int = Field(
        2,
        ge=0,
        le=7,
        validation_alias=AliasChoices("HERMES_LOOKAHEAD_DAYS", "DYNAMIC_LOOKAHEAD_DAYS"),
        description="Event days after today, in the station's own day",
    )
    hot_days: int = Field(
        14, ge=1, le=400, description="Days for which snapshots stay files of their own; older ones are closed"
    )
    sizing: Literal["path", "joint"] = Field(
        "path",
        validation_alias=AliasChoices("HERMES_SIZING", "SIZING"),
        description="path: each event alone, scaled for correlation; joint: all events of a day together, over 512 scenarios",
    )
    start_cash_usd: float = Field(10_000, gt=0, le=1e9, description="Opening cash of a new journal [USD]")
    model: str = Field(
        "residual",
        validation_alias=AliasChoices("HERMES_MODEL", "MODEL_MODE"),
        description="Which model makes the distribution",
    )
    edge_min: float = Field(
        0.05,
        ge=0,
        le=0.5,
        validation_alias=AliasChoices("HERMES_EDGE_MIN", "EDGE_MIN"),
        description="Least edge after fees that is traded [USD per share]",
    )
    fee_bp: float = Field(
        0.0,
        ge=0,
        le=1_000,
        validation_alias=AliasChoices("HERMES_FEE_BP", "FEE_BP"),
        description="Safety margin on top of the venue's own fee [1/100 % of the price]",
    )
    slippage_bp: float = Field(
        0.0,
        ge=0,
        le=1_000,
        validation_alias=AliasChoices("HERMES_SLIPPAGE_BP", "SLIPPAGE_BP"),
        description="Safety margin on top of the book's own price [1/100 % of the price]",
    )
    kelly_cap: float = Field(
        0.10,
        gt=0,
        le=1,
        validation_alias=AliasChoices("HERMES_KELLY_CAP", "KELLY_CAP"),
        description="Most of the equity that one event may hold",
    )
    daily_bankroll_cap_usd: float = Field(
        3_000,
        gt=0,
        validation_alias=AliasChoices("HERMES_DAILY_BANKROLL_CAP", "DAILY_BANKROLL_CAP"),
        description="Most spent on events of one day [USD]",
    )
    per_market_cap_usd: float = Field(
        500,
        gt=0,
        validation_alias=AliasChoices("HERMES_PER_MARKET_CAP", "PER_MARKET_CAP"),
        description="Most spent on one bracket [USD]",
    )
    liquidity_min_usd: float = Field(
        1_000,
        ge=0,
        validation_alias=AliasChoices("HERMES_LIQUIDITY_MIN_USD", "LIQUIDITY_MIN_USD"),
        description="Least liquidity of a Polymarket event that is traded [USD]",
    )
    flatten_on_trip: bool = Field(
        False,
        validation_alias=AliasChoices("HERMES_FLATTEN_ON_TRIP", "FLATTEN_ON_TRIP"),
        description="Sell what can be sold when a loss limit trips, instead of keeping it until it settles",
    )
    user_agent: str = Field(
        "hermes-desk/1.0 (paper trading research)",
        min_length=3,
        validation_alias=AliasChoices("HERMES_USER_AGENT", "METAR_USER_AGENT"),
        description="How we introduce ourselves to services",
    )
    risk: RiskSettings = RiskSettings()
    weather: WeatherSettings = WeatherSettings()
    rules: RuleSettings = RuleSettings()
    guard: GuardSettings = GuardSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict, description="Per service, by its name")

    @field_validator("stations", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip().upper() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def folder(self, mode: str) -> Path:
        """Return the data folder of a mode: demo and imported history lie beside the live world, unless a folder was given."""
        beside = {"demo": "demo", "archive": "history"}.get(mode, "")
        return self.data_dir / beside if self.data_dir == Path("data") else self.data_dir

    def in_world(self, world: str) -> Settings:
        """Return the settings as they hold in a world: an inferred rule keeps a desk from trading on the live world only."""
        if world == "live":
            return self
        return self.model_copy(update={"weather": self.weather.model_copy(update={"inferred_rules": True})})

    def source(self, name: str) -> SourceSettings:
        """Return the settings of a service; its defaults where nothing was set."""
        return self.sources.get(name, SourceSettings())

    def address(self, name: str, usual: str) -> str:
        """Return where a service answers, without a trailing slash: as set, else its usual address."""
        return (self.source(name).base_url or usual).rstrip("/")
