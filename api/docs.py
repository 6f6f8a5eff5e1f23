"""`/docs` and `/redoc`: the OpenAPI document as one self-contained page. Nothing is loaded from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from api.stream import CHANNELS, FAMILIES, Family

STYLE = """
:root{--ink:#15181e;--muted:#667085;--line:#e3e6eb;--panel:#f7f8fa;--ground:#fff;--model:#2563eb}
@media(prefers-color-scheme:dark){
:root{--ink:#e8eaee;--muted:#98a2b3;--line:#2a303a;--panel:#171b22;--ground:#0f1217;--model:#7aa7ff}}
body{margin:0 auto;max-width:64rem;padding:1.5rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground)}
h1{font-size:1.4rem}h2{font-size:1rem;border-top:1px solid var(--line);padding-top:1rem;margin-top:2rem}
h2 code{font-size:1rem}a{color:var(--model)}p,summary{color:var(--muted)}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
pre{background:var(--panel);border:1px solid var(--line);padding:.75rem;overflow:auto;max-height:26rem;font-size:13px}
input,textarea{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);padding:.1rem .4rem;width:12rem}
textarea{width:100%}
button{font:inherit;color:var(--ground);background:var(--model);border:0;padding:.2rem .8rem;cursor:pointer}
nav{columns:2}nav a{display:block}
"""
# Fetches the route with the values that were typed; shows status, time and body as they came.
SCRIPT = """
for (const form of document.forms) form.addEventListener('submit', async event => {
  event.preventDefault();
  let path = form.dataset.path;
  const method = form.dataset.method, given = new FormData(form), body = given.get('__body');
  given.delete('__body');
  const values = [...given].filter(([name, value]) => {
    if (!path.includes('{' + name + '}')) return value !== '';
    path = path.replace('{' + name + '}', encodeURIComponent(value));
    return false;
  });
  const query = new URLSearchParams(values).toString();
  const out = form.querySelector('pre');
  const sent = body === null ? {method} : {method, body, headers: {'content-type': 'application/json'}};
  const answer = await fetch(path + (query ? '?' + query : ''), sent);
  const text = await answer.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch (error) { /* not JSON: shown as it came */ }
  out.hidden = false;
  out.textContent = answer.status + '  ' + answer.headers.get('x-process-time-ms') + ' ms\\n' + shown.slice(0, 200000);
});
"""
POLICY = ("default-src 'none'", "style-src 'unsafe-inline'", "script-src 'unsafe-inline'", "connect-src 'self'")
HEADERS = {"Content-Security-Policy": "; ".join(POLICY)}


def add_pages(app: FastAPI) -> None:
    """Serve both pages; `/docs` can also ask, `/redoc` only reads."""

    @app.get("/docs", include_in_schema=False)
    def _docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi(), asks=True), headers=HEADERS)

    @app.get("/redoc", include_in_schema=False)
    def _redoc() -> HTMLResponse:
        return HTMLResponse(page(app.openapi(), asks=False), headers=HEADERS)


def page(document: Mapping[str, Any], *, asks: bool) -> str:
    """Return the page of an OpenAPI document."""
    info, paths = document["info"], sorted(document["paths"])
    links = "".join(
        f'<a href="#{_anchor(path)}"><code>{escape(path)}</code></a>' for path in [*paths, *(one.path for one in FAMILIES)]
    )
    body = "".join(_route(document, path, asks=asks) for path in paths)
    script = f"<script>{SCRIPT}</script>" if asks else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Hermes API</title><style>{STYLE}</style>'
        f'<meta name="viewport" content="width=device-width"><h1>{escape(info["title"])} {escape(info["version"])}</h1>'
        f'<p>{escape(info["description"])} Machine-readable: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"<nav>{links}</nav>{body}{_stream()}{script}</html>"
    )


def _anchor(path: str) -> str:
    return re.sub(r"[^a-z_]+", "-", path.strip("/")).strip("-") or "root"


def _route(document: Mapping[str, Any], path: str, *, asks: bool) -> str:
    method, operation = next(iter(document["paths"][path].items()))
    parameters = operation.get("parameters", [])
    rows = "".join(_parameter(one, asks=asks) for one in parameters)
    table = f"<table><tr><th>Parameter<th>Type<th>Meaning{'<th>Value' if asks else ''}</tr>{rows}</table>" if rows else ""
    ask = '<p><button>Ask</button></p><pre hidden aria-live="polite"></pre>' if asks else ""
    shape, body = _schema_of(document, operation), _body_of(document, operation)
    example = json.dumps(shape.get("example", {}), indent=2, ensure_ascii=False)
    return (
        f'<h2 id="{_anchor(path)}">{method.upper()} <code>{escape(path)}</code></h2><p>{escape(operation.get("summary", ""))}. '
        f'{escape(operation.get("description", ""))}</p><form data-path="{escape(path)}" data-method="{method.upper()}">{table}'
        f"{_body(document, body, asks=asks)}{ask}</form>"
        f"<details><summary>Example reply</summary><pre>{escape(example)}</pre></details>"
        f"<details><summary>Fields</summary><table>{''.join(_fields(document, shape, ''))}</table></details>"
    )


def _body_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    inner = next((one for one in schema.get("anyOf", schema.get("allOf", ())) if "$ref" in one), schema)
    return _resolved(document, inner)


def _body(document: Mapping[str, Any], body: Mapping[str, Any], *, asks: bool) -> str:
    if not body:
        return ""
    example = escape(json.dumps(body.get("example", {})))
    field = (
        f'<p><textarea name="__body" aria-label="body" rows="3">{example}</textarea></p>' if asks else f"<pre>{example}</pre>"
    )
    return f"<p>Body, JSON:</p><table>{''.join(_fields(document, body, ''))}</table>{field}"


def _parameter(one: Mapping[str, Any], *, asks: bool) -> str:
    name, schema = one["name"], one.get("schema", {})
    default = f", default {schema['default']}" if schema.get("default") is not None else ""
    example = next(iter(schema.get("examples", [])), "")
    label = escape(name)
    field = f'<td><input name="{label}" aria-label="{label}" placeholder="{escape(str(example))}">' if asks else ""
    about = one.get("description", schema.get("description", ""))
    return f"<tr><td><code>{escape(name)}</code><td>{escape(_type(schema))}{default}<td>{escape(about)}{field}</tr>"


def _schema_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = next(each for status, each in operation["responses"].items() if status.startswith("2"))
    schema = answer["content"]["application/json"]["schema"]
    return _resolved(document, schema)


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    resolved: Mapping[str, Any] = document["components"]["schemas"][reference.rsplit("/", 1)[-1]]
    return resolved


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1].removesuffix("Reply"))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format", schema.get("type", "any")))


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        about = escape(part.get("description", ""))
        yield f"<tr><td><code>{escape(prefix + name)}</code><td>{escape(_type(part))}<td>{about}</tr>"
        inner = part.get("items", part.get("additionalProperties", part))
        if isinstance(inner, Mapping) and "$ref" in inner:
            yield from _fields(document, _resolved(document, inner), f"{prefix}{name}{'[]' if 'items' in part else ''}.")


def _stream() -> str:
    about = {name: ", ".join(sorted(kinds)) or "every other type" for name, kinds in CHANNELS.items()}
    rows = "".join(f"<tr><td><code>{name}</code><td>{kinds}</tr>" for name, kinds in about.items())
    data = {"connection_count": 1, "last_seq": 1204, "reset": False}
    greeting = {"seq": 1204, "type": "connected", "timestamp": "2026-11-21T09:00:12Z", "data": data}
    subscribe = {"type": "subscribe", "channels": ["trades", "risk"], "stations": ["KLGA"]}
    heads = "".join(
        f'<h2 id="{_anchor(one.path)}">WebSocket <code>{one.path}?after=SEQ</code></h2>'
        f"<p>Unless you choose: {', '.join(sorted(one.channels))}.{_told(one)}</p>"
        for one in FAMILIES
    )
    return (
        f"{heads}<p>A message is {{seq, type, timestamp, data}}. "
        "With <code>after</code> the stream goes on after that row, across restarts. Send "
        '{"type": "ping"} for a pong; choose channels and stations with subscribe.</p>'
        f"<table><tr><th>Channel<th>Types</tr>{rows}</table>"
        f"<pre>{escape(json.dumps(greeting))}\n{escape(json.dumps(subscribe))}</pre>"
    )


def _told(family: Family) -> str:
    names = "; ".join(f"{name} has data also as {key}" for name, key in family.keys.items())
    return f" Here {names}." if names else ""
