"""Sections of the settings, each value with its range and its sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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
    min_cash_pct: float = Field(10.0, ge=0, le=100, description="Cash that is never spent [% of equity]")
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
    exit_edge_min: float = Field(
        0.02, ge=0, le=0.5, description="Least gain over fair value for which a holding is sold [USD per share]"
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
    user_agent: str = Field(
        "hermes-desk/1.0 (paper trading research)",
        min_length=3,
        validation_alias=AliasChoices("HERMES_USER_AGENT", "METAR_USER_AGENT"),
        description="How we introduce ourselves to services",
    )
    risk: RiskSettings = RiskSettings()
    weather: WeatherSettings = WeatherSettings()
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
