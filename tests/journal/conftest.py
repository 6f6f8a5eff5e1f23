"""Journals to test with: an SQLite file always, a private PostgreSQL where its server is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.supervisor.ports import free_port
from tests.conftest import absent


@pytest.fixture
def sqlite_journal(tmp_path: Path) -> str:
    return str(tmp_path / "hermes.db")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a private server without a database of ours."""
    binaries = _binaries()
    if binaries is None:
        absent("postgres", "no PostgreSQL server is installed; apt-get install postgresql")
        return
    folder = Path(tempfile.mkdtemp(prefix="hermes-postgres-"))
    folder.chmod(0o755)
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    port = free_port()
    as_owner = ["runuser", "-u", owner.pw_name, "--"] if os.geteuid() == 0 else []

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_owner, str(binaries / program), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{program}: {done.stdout} {done.stderr}"

    data, options = (
        str(folder / "data"),
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off",
    )
    try:
        run("initdb", "-D", data, "-U", "hermes", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql://hermes@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_journal(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"t{abs(hash(request.node.nodeid))}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{postgres_server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request: pytest.FixtureRequest) -> str:
    """Where a new journal goes: each test runs on both."""
    return str(request.getfixturevalue(f"{request.param}_journal"))


def _binaries() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)
