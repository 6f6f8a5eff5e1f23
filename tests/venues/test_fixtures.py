"""Every captured file that an adapter covers has a test of its meaning; a new capture without one fails here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

GAMMA, CLOB, WIRE = "test_polymarket_gamma", "test_polymarket_clob", "test_metar_wire"
KALSHI, STREAM = "test_kalshi_wire", "test_polymarket_stream"
UNASKED = f"{STREAM}:test_a_captured_message_that_nobody_asked_for_says_nothing"
OPEN = f"{GAMMA}:test_an_open_event_is_a_rule_and_a_whole_ladder"
UNDECIDED = f"{GAMMA}:test_a_market_that_gamma_cannot_decide_is_undecided"
QUOTES = f"{CLOB}:test_quotes_of_the_same_minute_belong_to_the_yes_tokens_and_show_sentinels"
HISTORY = f"{CLOB}:test_a_price_history_is_of_a_whole_ladder_with_one_winner_and_no_final_hours"
WINNER = f"{CLOB}:test_a_market_of_the_clob_names_its_winner"
DAILY = "test_open_meteo:test_a_daily_answer_is_maxima_and_minima_at_the_start_of_local_days"
OTHER = f"{WIRE}:test_an_answer_of_another_endpoint_holds_no_observation"
ERRORS = "test_clients:test_a_recorded_error_becomes_a_record_that_says_why"
RULES = {"polymarket": "test_polymarket_rules", "kalshi": "test_kalshi_rules"}

TESTS: dict[str, str] = {
    "awc/documented_example_metar.json": f"{WIRE}:test_the_documented_example_without_a_prefix_is_understood",
    "awc/documented_example_stationinfo.json": OTHER,
    "awc/documented_example_taf.json": OTHER,
    "awc/metar_klga_rksi_2026-06-10_selected_fields.json": (
        f"{WIRE}:test_an_answer_is_split_by_station_with_tenths_and_whole_degrees"
    ),
    "awc/metar_lejr_2023-10-27_old_shape_with_nulls.json": f"{WIRE}:test_the_shape_of_2023_with_nulls_is_understood",
    "awc/metar_ltac_24h_2026-02-26.json": f"{WIRE}:test_a_day_of_ankara_has_no_six_hour_maxima_whatever_the_service_says",
    "awc/metar_ltac_latest_2026-02-26.json": f"{WIRE}:test_the_latest_report_alone_is_the_newest_of_the_day",
    "iem/asos_all_columns_trimmed.tsv": "test_iem:test_a_table_of_temperatures_alone_is_a_table_but_no_reports",
    "iem/asos_cvg_routine_2024-03-01.tsv": (
        "test_iem:test_a_day_of_routine_reports_is_a_row_an_hour_with_tenths_and_six_hour_groups"
    ),
    "iem/asos_cvg_specials_2024-03-01.tsv": "test_iem:test_specials_are_specials_because_they_were_asked_for_as_such",
    "iem/asos_eglc_tmpc_2026-07-12_extracted.json": (
        "test_iem:test_london_city_reports_at_the_minutes_that_the_registry_gives"
    ),
    "iem/asos_empty_result.tsv": "test_iem:test_an_empty_result_is_a_header_and_a_station_without_reports",
    "iem/network_IN__ASOS_trimmed.json": "test_iem:test_a_network_is_stations_with_zone_and_place",
    "kalshi/candlesticks_batch_1min_2026-08-28.json": (
        f"{KALSHI}:test_the_captured_minute_candle_shows_half_a_cent_where_nobody_bids"
    ),
    "kalshi/candlesticks_series_hourly_2026-06-11.json": (
        f"{KALSHI}:test_captured_hourly_candles_show_the_middle_and_a_point_only_where_it_changes"
    ),
    "kalshi/events_page_2026-08-28_trimmed.json": f"{KALSHI}:test_an_event_of_another_kind_is_no_event_of_a_temperature",
    "kalshi/historical_cutoff_2026-08-28.json": f"{KALSHI}:test_the_historical_tier_begins_two_months_back",
    "kalshi/kxhighny_settled_market_2026-08-07_selected_fields.json": (
        "test_kalshi_ladder:test_the_captured_settled_market_closes_with_its_standard_time_day"
    ),
    "kalshi/market_single_2026-06-20.json": f"{KALSHI}:test_a_page_of_markets_tells_ticks_and_fractions",
    "kalshi/market_xrp_strike_2026-08-28_trimmed.json": (
        f"{KALSHI}:test_a_market_with_a_broken_strike_is_no_bracket_of_whole_degrees"
    ),
    "kalshi/markets_page_2026-06-20.json": f"{KALSHI}:test_a_page_of_markets_tells_ticks_and_fractions",
    "kalshi/orderbook_2026-06-20.json": f"{KALSHI}:test_the_captured_book_gives_bids_and_asks_of_both_tokens",
    "kalshi/orderbook_empty_yes_side_2026-08-28.json": (
        f"{KALSHI}:test_a_captured_book_without_yes_bids_has_asks_of_yes_alone"
    ),
    "kalshi/trades_page_2026-06-12.json": f"{KALSHI}:test_the_captured_trades_tell_who_took",
    "nws/gridpoint_raw_2022-02-04_trimmed.json": (
        "test_nws:test_a_recorded_cell_is_hours_in_celsius_from_its_temperature_layer_alone"
    ),
    "nws/gridpoint_stations_trimmed.json": "test_nws:test_a_list_of_stations_holds_neither_a_cell_nor_an_observation",
    "nws/points_30_-85.json": "test_nws:test_a_point_names_its_grid_cell",
    "nws/station_observation_latest_kfll_2022-03-02.json": (
        "test_nws:test_a_recorded_observation_is_read_from_its_report_not_from_its_fields"
    ),
    "open_meteo/archive_daily_london_2026-03-01_2026-06-20.json": DAILY,
    "open_meteo/archive_daily_london_2026-07-03T0001Z.json": DAILY,
    "open_meteo/archive_daily_nyc_2026-03-01_2026-06-20.json": DAILY,
    "open_meteo/archive_daily_nyc_2026-07-03T0001Z.json": DAILY,
    "open_meteo/ensemble_hourly_berlin_2026-10-01_5_members.json": (
        "test_open_meteo_ensemble:test_a_recorded_ensemble_is_a_control_and_its_members_in_true_utc"
    ),
    "open_meteo/error_400_run_not_available.json": ERRORS,
    "open_meteo/error_429_concurrent.json": ERRORS,
    "open_meteo/forecast_daily_london_2026-07-03T0001Z.json": DAILY,
    "open_meteo/forecast_daily_nyc_2026-07-03T0001Z.json": DAILY,
    "open_meteo/forecast_hourly_ankara_2026-02-26.json": (
        "test_open_meteo:test_an_hourly_answer_without_the_surface_temperature_has_no_rows"
    ),
    "open_meteo/historical_forecast_daily_london_2026-03-01_2026-06-20.json": DAILY,
    "open_meteo/historical_forecast_daily_nyc_2026-03-01_2026-06-20.json": DAILY,
    "polymarket_clob/book_2024-10-13_short_shape.json": f"{CLOB}:test_a_short_book_of_2024_takes_the_tick_and_size_of_weather",
    "polymarket_clob/book_full_weather_2026-09-04.json": f"{CLOB}:test_a_book_of_the_wire_is_worst_first_and_ours_best_first",
    "polymarket_clob/book_one_sided_normalized_mexico_city_2026-08-30.json": f"{CLOB}:test_a_one_sided_book_has_no_asks",
    "polymarket_clob/book_two_sided_normalized_toronto_2026-08-30.json": (
        f"{CLOB}:test_a_two_sided_book_reads_the_same_whatever_order_its_levels_come_in"
    ),
    "polymarket_clob/market_by_condition_id_closed_accepting_true_2026-05.json": WINNER,
    "polymarket_clob/market_by_condition_id_open_2024.json": WINNER,
    "polymarket_clob/market_by_condition_id_resolved_2026-03.json": WINNER,
    "polymarket_clob/prices_history_london_2026-03-01_all_brackets.json": HISTORY,
    "polymarket_clob/prices_history_london_2026-06-20_all_brackets.json": HISTORY,
    "polymarket_clob/prices_history_nyc_2026-06-20_all_brackets.json": HISTORY,
    "polymarket_clob/prices_history_response_minutely_no_token_nyc_2026-08-12.json": (
        f"{CLOB}:test_minute_points_have_a_gap_that_no_one_fills"
    ),
    "polymarket_clob/prices_history_response_winner_london_2026-06-20.json": (
        f"{CLOB}:test_the_winners_history_is_one_of_the_ladders"
    ),
    "polymarket_clob/quotes_london_2026-07-03T0001Z.json": QUOTES,
    "polymarket_clob/quotes_nyc_2026-07-03T0001Z.json": QUOTES,
    "polymarket_gamma/event_by_slug_london_2026-07-03_open.json": OPEN,
    "polymarket_gamma/event_by_slug_munich_2026-06-16_midday.json": (
        f"{GAMMA}:test_munich_on_its_own_day_is_understood_and_a_zombie_three_weeks_later"
    ),
    "polymarket_gamma/event_by_slug_nyc_2026-07-02_past_enddate_still_trading.json": (
        f"{GAMMA}:test_an_event_past_its_end_date_still_accepts_orders"
    ),
    "polymarket_gamma/event_by_slug_nyc_2026-07-03_open.json": OPEN,
    "polymarket_gamma/event_by_slug_nyc_2026-07-04_one_hour_after_listing.json": OPEN,
    "polymarket_gamma/event_by_slug_tokyo_2026-07-04_open.json": OPEN,
    "polymarket_gamma/event_negrisk_politics_2026-03-11_trimmed.json": (
        f"{GAMMA}:test_an_event_of_another_kind_is_stored_and_refused"
    ),
    "polymarket_gamma/event_resolved_projection_hong_kong_2026-06-25.json": (
        f"{GAMMA}:test_a_resolved_event_has_exactly_one_winner"
    ),
    "polymarket_gamma/events_keyset_page_partial_2026-08-29.json": (
        "test_polymarket_discovery:test_of_the_captured_page_only_the_first_event_can_be_alive_the_second_is_a_ghost_of_may"
    ),
    "polymarket_gamma/market_closed_but_accepting_orders_true_2026-05.json": UNDECIDED,
    "polymarket_gamma/market_closed_prices_zero_zero_legacy_2020.json": UNDECIDED,
    "polymarket_gamma/market_closed_scalar_legacy_2020.json": UNDECIDED,
    "polymarket_gamma/market_resolved_uma_2026-03-19.json": f"{GAMMA}:test_a_market_resolved_by_uma_names_its_loser",
    "polymarket_gamma/public_search_response_trimmed.json": f"{GAMMA}:test_a_search_answer_is_no_listing_of_weather",
    "polymarket_gamma/resolved_brackets_4cities_2026-03-01_2026-06-20.json": (
        f"{GAMMA}:test_every_bracket_of_four_months_in_four_cities_is_understood"
    ),
    "polymarket_ws/best_bid_ask_2025-12.json": UNASKED,
    "polymarket_ws/book_2024.json": f"{STREAM}:test_a_captured_book_is_a_whole_book_with_its_hash_of_2024",
    "polymarket_ws/last_trade_price_2024-08.json": f"{STREAM}:test_a_captured_trade_says_who_came_to_the_book",
    "polymarket_ws/market_resolved_2025-12.json": UNASKED,
    "polymarket_ws/new_market_2025-12.json": UNASKED,
    "polymarket_ws/price_change_batched.json": f"{STREAM}:test_a_captured_batch_is_one_change_for_each_level",
    "polymarket_ws/price_change_single_legacy_2024-08.json": (
        f"{STREAM}:test_a_captured_change_of_before_september_2025_is_one_change"
    ),
    "polymarket_ws/tick_size_change_2025-02.json": f"{STREAM}:test_a_captured_change_of_tick_names_the_new_grid",
    "rules/forecastex_u-contract-terms_2026-01-23_fragments.json": "test_kalshi_rules:test_other_venues_terms_are_no_rule",
    "rules/kalshi_twc_series-notice_2026-08-14.json": "test_kalshi_rules:test_a_notice_of_the_series_is_no_rule",
}
COVERED = ("awc", "iem", "kalshi", "nws", "open_meteo", "polymarket_clob", "polymarket_gamma", "polymarket_ws", "rules")
NOT_ASKED: dict[str, str] = {}


def covered_files(captures: Path) -> list[str]:
    root = captures / "fixtures"
    found = [path for folder in COVERED for path in sorted((root / folder).iterdir()) if path.suffix != ".md"]
    return [path.relative_to(root).as_posix() for path in found]


def named_test(name: str) -> str:
    stem = Path(name).stem
    by_meaning = RULES.get(stem.partition("_")[0]) if name.startswith("rules/") else None
    return TESTS.get(name) or (f"{by_meaning}:test_a_captured_text_means_what_it_says" if by_meaning else "")


def test_every_covered_capture_has_a_test_that_reads_it(captures: Path) -> None:
    for name in covered_files(captures):
        module_name, _, function = named_test(name).partition(":")
        assert module_name, f"{name} has no test of its meaning; write one and list it here"
        module = import_module(f"tests.venues.{module_name}")
        assert hasattr(module, function), f"{name}: {module_name} has no {function}"
        source = Path(str(module.__file__)).read_text("utf-8")
        assert Path(name).name in source or Path(name).stem in source or "quotes_{city}" in source, (
            f"{module_name} never opens {name}"
        )


def test_the_table_lists_no_file_that_is_gone(captures: Path) -> None:
    assert [name for name in TESTS if not (captures / "fixtures" / name).is_file()] == []


def test_every_folder_is_covered_or_says_why_not(captures: Path) -> None:
    folders = {path.name for path in (captures / "fixtures").iterdir() if path.is_dir()}

    assert folders == {*COVERED, *NOT_ASKED}


@pytest.mark.parametrize("venue", RULES)
def test_every_rule_text_has_its_meaning_written_down(captures: Path, venue: str) -> None:
    meaning = import_module(f"tests.venues.{RULES[venue]}").MEANING
    stems = {path.stem for path in (captures / "fixtures" / "rules").glob(f"{venue}_*.json")}

    assert stems - set(meaning) <= {"kalshi_twc_series-notice_2026-08-14"}
