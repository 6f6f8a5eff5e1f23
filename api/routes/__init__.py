"""One file per family of routes, one line each here."""

from fastapi import APIRouter

from api.routes import compare, edges, health, logs, metrics, signals, stations, status, stream, system, trades

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    status.router,
    edges.router,
    trades.router,
    logs.router,
    stations.router,
    compare.router,
    metrics.router,
    system.router,
    signals.router,
    stream.router,
)
