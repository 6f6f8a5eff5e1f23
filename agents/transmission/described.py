"""The checks of Transmission in plain words, for the strategy page and the docs."""

from __future__ import annotations

from agents.transmission.decisions import NOT_APPLICABLE
from core.model.described import Described

CHECKS: tuple[Described, ...] = (
    Described("opening", "open_event", "Nothing is opened in an event that the desk has closed or the venue has settled.", ""),
    Described("opening", "priced", "Nothing is opened without an executable price and a fair value.", ""),
    Described("opening", "instruments", "A person says what may be bought.", "station/venue/event fits rules.instruments"),
    Described("multiplier", "regime", "The regime of the event scales what is added.", "size × (1, 0.75, 0.5 or 0)"),
    Described(
        "multiplier", "fair_gap", "Far from the market we take half.", "size × 0.5 where |fair − mid| > fair_gap"
    ),
    Described(
        "multiplier", "gap_rule", "Far from the market it is asked again whether the rule of the event is trusted.",
        "asked where |fair − mid| > fair_gap"
    ),
    Described(
        "multiplier", "gap_metar", "Far from the market it is asked again whether the newest report of a running day is fresh.",
        "age ≤ 2 cadences + 20 min, asked where |fair − mid| > fair_gap"
    ),
    Described(
        "multiplier", "earned_size",
        "Until the record has earned more, size is a probe: a tenth of normal, or the venue's minimum where that is cheap. "
        "A record surely worse than the market earns none.",
        "probe_share × size; the minimum where its cost ≤ probe_minimum_r × R0 and normal size reaches it; else 0",
    ),
    Described(
        "multiplier", "step",
        "Results scale the size: half when settled events fall behind their claims or the drawdown is deep, or after a rebase; "
        "judged once per step_events newly settled events.",
        "size × step_share from z < −step_down_z or drawdown ≥ step_down_r; back at z > −step_up_z and drawdown < step_up_r",
    ),
    Described("multiplier", "operator_dial", "A person's dial scales the size; 1 also pauses.", "5…1: size × 1, 0.9, 0.75, 0.5, 0.25"),
    Described("tripwire", "kill_switch", "A person has stopped all new risk; exits stay open.", "tripped & KILL"),
    Described(
        "tripwire", "day_loss", "A desk day that has lost its limit, realised and open, adds no risk until the next one.",
        "equity at the start of the desk day − equity ≥ day_loss_r × R0",
    ),
    Described(
        "tripwire", "week_loss", "The same for the desk week, until Monday.",
        "equity at the start of the desk week − equity ≥ week_loss_r × R0",
    ),
    Described(
        "tripwire", "drawdown_reference",
        "Far below the reference high the desk pauses until a person rebases the reference, with a reason: at half size, at "
        "most twice.",
        "reference high − equity ≥ drawdown_reference_r × R0",
    ),
    Described(
        "tripwire", "drawdown_all_time",
        "Far below the highest equity ever the desk pauses until a person changes the limit.",
        "highest equity − equity ≥ drawdown_all_time_r × R0",
    ),
    Described(
        "tripwire", "account_drawdown", "A drawdown of all desks together pauses every desk until a person lifts it.",
        "highest equity of all desks − their equity ≥ account_drawdown_pct of it",
    ),
    Described(
        "tripwire", "red_days",
        "Losing days in a row are announced; the futures desk pauses. A day that wins or breaks even ends the row, one without "
        "trades leaves it.",
        "red days ≥ red_days_alert (futures: futures_red_days)",
    ),
    Described(
        "tripwire", "results_z",
        "Settled events that fall far behind what was claimed of them pause the desk until a person lifts it.",
        "(paid − claimed) ÷ sd over 30 desk days < −results_z, once step_events events have settled",
    ),
    Described("tripwire", "infrastructure", "No new risk while a source, the clock, the journal or the broker is sick.", ""),
    Described("tripwire", "account_rules", "Every account whose rules are followed has ended.", ""),
    Described(
        "tripwire", "worst_day", "A purchase is refused if the day could end beyond its worst case.",
        "loss of the day + value of all that may settle in it + worst-case loss of what is new > worst_day_r × R0",
    ),
    Described(
        "tripwire", "fresh_marks", "No more of an event in which a holding has no bid younger than bid_minutes.",
        "value of such a holding: min(fair value, last bid) × 0.8",
    ),
    Described(
        "host", "clock_skew", "No new risk while our clock agrees with that of no service.",
        "min over services |their date − our clock| ≤ guard.clock_skew_seconds"
    ),
    Described("host", "journal_writable", "No new risk that could not be written down.", ""),
    Described(
        "host", "order_latency", "No new risk while orders are answered late.",
        "p99 of the last 50 answers ≤ guard.order_latency_seconds"
    ),
    Described(
        "host", "data_gap", "No new risk after a hole in what was collected: no look, or no answer of a needed kind.",
        "gap ÷ interval_seconds ≤ guard.gap_cadences"
    ),
    Described("cap", "bracket", "Most at risk in one bracket.", "Σ worst-case loss ≤ bracket_r × R0"),
    Described("cap", "city_day", "Most at risk in one city and day.", "Σ over venues, highs and lows ≤ city_day_r × R0"),
    Described("cap", "region_day", "Most at risk in one weather region and day.", "Σ ≤ region_day_r × R0"),
    Described("cap", "desk_day", "Most at risk in events of one day.", "Σ ≤ desk_day_r × R0"),
    Described("cap", "open_risk", "Most at risk in all that is open.", "Σ ≤ open_r × R0"),
    Described("cap", "source", "Most at risk on one settlement source failing or being misread.", "Σ ≤ source_r × R0"),
    Described("cap", "market_cap", "Most dollars in one bracket.", "Σ ≤ per_market_cap_usd"),
    Described("cap", "bankroll", "Most dollars in events of one day.", "Σ ≤ daily_bankroll_cap_usd"),
    Described("cap", "kelly_cap", "Largest share of equity in one event.", "Σ ≤ kelly_cap × equity"),
    Described("cap", "min_cash", "Some cash is never spent.", "cash − Σ cost ≥ min_cash_pct of equity"),
    Described(
        "ceiling", "trade_ceiling", "What no setting passes, for one trade.",
        "worst-case loss ≤ min(2 % of equity, ½ × (day_loss_r × R0 − loss of the day))",
    ),
    Described("guard", "book_sanity", "No book that is empty, crossed or full of placeholders.", "0 < ask < 1, bid < ask"),
    Described("guard", "book_age", "No old book.", "age ≤ book_age_seconds"),
    Described("guard", "print_age", "Where only prints exist, no old print.", "age ≤ print_age_minutes"),
    Described("guard", "spread", "No wide spread.", "ask − bid ≤ max(max_spread, 25 % of mid)"),
    Described(
        "guard", "limit_price", "The worst price that an order accepts.",
        "min(fair value − fee − EDGE_MIN, best ask + chase_ticks ticks), on the tick",
    ),
    Described(
        "guard", "depth", "An order takes a quarter of what is shown within its limit price, less what we took from that book.",
        "size ≤ max_depth_share × shown − taken",
    ),
    Described(
        "guard", "estimated_cost", "Getting in must leave half of the edge.",
        "average price − mid ≤ max_cost_share × (fair − mid)",
    ),
    Described(
        "guard", "rounded_fee",
        "The fee of the order, rounded once as the venue rounds it, must leave a gain at the worst price that it accepts.",
        "size × (fair value − limit price) − rounded fee > 0",
    ),
    Described(
        "guard", "fat_finger", "A last look at an order with nothing but its own numbers.",
        "size × limit price ≤ per_market_cap_usd"
    ),
    Described(
        "guard", "quiet_minutes", "Nothing rests in a book into a METAR, a climate report or a model release.",
        "order rests: minutes until the next quiet ones > 0"
    ),
    Described(
        "guard", "venue_hours", "No order that a venue does not take at that time of the week.",
        "data/registry/trading_pauses.csv: halted, or for minutes after a restart only what rests"
    ),
    Described("guard", "duplicate", "One order per cycle, run and token.", ""),
    Described("rule", "sessions", "A person says when may be bought, by a zone's own clock.", "rules.sessions"),
    Described(
        "rule", "news_blackout", "Nothing is bought before and after a release of the dated calendar.",
        "minutes to the release > its own minutes before or after; a kind without a later date refuses"
    ),
    Described("rule", "min_operator", "Nothing is bought while the operator's dial stands low.", "dial ≥ rules.min_operator"),
    Described("rule", "max_spread", "A person's own limit of the spread.", "ask − bid ≤ rules.max_spread"),
    Described("ceiling", "spread_ceiling", "What no setting passes, on the futures desk.", "spread ≤ 5 ticks"),
    Described("rule", "min_depth", "A person's own least depth.", "shown within the limit price ≥ rules.min_depth"),
    Described("rule", "max_size", "A person's own largest position, working orders counted.", "position ≤ rules.max_size"),
    Described(
        "rule", "max_slippage", "A person's own limit of the walk.", "average price − best ask ≤ rules.max_slippage"
    ),
    Described("account", "firm_ended", "An account whose drawdown was breached has ended; when all have, nothing is bought.", ""),
    Described(
        "account", "firm_flat_by",
        "Before the hour at which an account has to be flat all is sold that can be; until its next day nothing is bought.", "",
    ),
    Described(
        "account", "firm_target", "Once every account has its profit and its active days nothing is bought.",
        "profit < target or active days < minimum"
    ),
    Described(
        "account", "firm_consistency", "A day that has won its share of the profit ends.",
        "profit of the firm's day < share × max(total profit, target)"
    ),
    Described(
        "account", "firm_trade", "One trade risks a tenth of the daily loss limit.",
        "size × worst price ≤ trade_share × daily loss limit"
    ),
    Described(
        "account", "firm_day_loss", "All that is open, works and is new may be lost within the daily loss limit.",
        "value held + working + new ≤ daily loss limit − loss since the firm's own day began; tightest account"
    ),
    Described(
        "account", "firm_drawdown", "All that is open, works and is new may be lost above the floor.",
        "value held + working + new ≤ equity − floor; floor: start, best end of a day or best moment − drawdown"
    ),
    Described(
        "account", "firm_contracts", "Contracts grow with the profit.", "held + working + new ≤ contracts of the profit"
    ),
    Described(
        "rule", "trades_per_day", "A person's own number of purchases of a desk day: filled, working and new, best edge first.",
        "number ≤ rules.trades_per_day"
    ),
    Described("rule", "trades_per_week", "The same for the desk week.", "number ≤ rules.trades_per_week"),
    Described("ceiling", "trades_ceiling", "What no setting passes, on the futures desk.", "purchases of a day ≤ 10"),
    Described("guard", "minimum_size", "Below the venue's minimum nothing is sent, and nothing is rounded up.", ""),
    Described(
        "exit", "exit_edge",
        "A position is sold only where the desk wants less of it and the bid pays more than a share is worth to the account: "
        "its marginal value at what is wanted, below fair value where too much is held; that a worse record or more cities take "
        "of the account is not counted, they never sell. What makes room for a purchase of the "
        "other side goes without the least gain, and a bid above fair value is enough where money is short. Where no marginal "
        "value is known fair value counts.",
        "best bid − fee ≥ marginal value + exit_edge_min; marginal value: p ÷ (W × E[1 ÷ W]), W the wealth if the share pays",
    ),
    *(Described("not applicable", name, f"{text}.", "") for name, text in NOT_APPLICABLE.items()),
)  # fmt: skip
"""One row for each check that a decision lists."""
