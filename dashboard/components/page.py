"""Pieces of HTML that every page shares: headings, chips, facts, and the four states of a panel."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import streamlit as st

from core.errors import HermesError, NotAllowedError, UnknownIdError

LOG = logging.getLogger("hermes.dashboard")
START = "./start_all.sh"


def chip(text: str, *, kind: str = "", title: str = "") -> str:
    """Return a chip: words in a rounded frame."""
    return f'<span class="chip {kind}" title="{escape(title)}">{escape(text)}</span>'


def fact(name: str, value: str, *, tone: str = "", title: str = "", after: str = "") -> str:
    """Return a name with its value, for a line of facts."""
    tail = f" {escape(after)}" if after else ""
    return f'<span class="fact" title="{escape(title)}">{escape(name)} <b class="{tone}">{escape(value)}</b>{tail}</span>'


def heading(text: str, note: str = "") -> None:
    """Draw the heading of a panel."""
    st.html(f'<h2>{escape(text)}<span class="note">{escape(note)}</span></h2>')


def empty(what: str, command: str = "") -> None:
    """Say what is missing and the command that makes it."""
    way = f" <code>{escape(command)}</code>" if command else ""
    st.html(f'<div class="state" data-state="empty">{escape(what)}{way}</div>')


def failed(name: str, why: str) -> None:
    """Say that a panel could not be drawn; the other panels stand."""
    st.html(f'<div class="state loss" data-state="error" role="alert">▲ {escape(name)}: {escape(why)}</div>')


@contextmanager
def panel(name: str) -> Iterator[None]:
    """Draw a panel whose failure stays its own: a person reads one sentence, the log keeps the trace."""
    try:
        yield
    except (UnknownIdError, NotAllowedError) as error:
        empty(str(error))
    except HermesError as error:
        LOG.warning("panel %s: %s", name, error)
        failed(name, str(error))
    except Exception:
        LOG.exception("panel %s failed", name)
        failed(name, "could not be drawn. The reason is in the dashboard's log; the next cycle tries again.")
