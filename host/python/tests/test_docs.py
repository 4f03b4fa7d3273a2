"""The programs in the documentation and the examples do what they say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import reprieve
from conftest import ROOT, outcomes, request_of
from sqlalchemy import create_engine, func, literal, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

sys.path.append(str(ROOT / "examples" / "python"))
from sqlalchemy_guard import guarded_delete  # noqa: E402


def programs(document: str) -> list[str]:
    """The programs of a document, and the output that follows each."""
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def printed(document: str) -> list[str]:
    text = (ROOT / document).read_text()
    return re.findall(r"```python\n.*?```\n\n```text\n(.*?)```", text, re.DOTALL)


def test_the_readme(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (program,) = programs("README.md")
    exec(program, {})
    assert [capsys.readouterr().out] == printed("README.md")


def test_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for program in programs("docs/python.md"):
        exec(program, names)
    assert capsys.readouterr().out == "".join(printed("docs/python.md"))


class Base(DeclarativeBase):
    pass


class App(Base):
    __tablename__ = "apps"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[str]


def test_the_guard_for_sqlalchemy(recording: tuple[reprieve.Gate, Path]) -> None:
    gate, ledger = recording
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    query = select(App.id, literal("app").label("kind"), App.tenant).where(App.tenant == "t")
    request = {name: value for name, value in request_of(0).items() if name != "targets"}
    with Session(engine) as session:
        session.add_all([App(id=number, tenant="t" if number % 2 else "u") for number in range(3000)])
        session.commit()
        assert guarded_delete(session, gate, request, query, App) == 1500
        assert session.scalar(select(func.count()).select_from(App)) == 1500
        with pytest.raises(reprieve.NotAllowed):
            guarded_delete(session, reprieve.Gate([]), request, select(App.id), App)
        session.rollback()
        assert session.scalar(select(func.count()).select_from(App)) == 1500
    assert outcomes(ledger) == [("committed", 1500)]
    engine.dispose()
