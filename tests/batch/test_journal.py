"""The journal: truncated or damaged anywhere, it loses what is not whole and nothing else."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.batch.journal import Commit, Journal
from i2s_trt.errors import EnvironmentFault, UsageError
from tests.cli.support import small_file_system


def commit(number: int, key: str = "k") -> Commit:
    return Commit(f"bild-{number}-ä.png", f"{key}{number}", 1000 + number, f"{number:064x}", "torch")


FIVE = [commit(number) for number in range(5)]


def fill(journal: Journal, commits: list[Commit]) -> None:
    for _ in range(20):
        journal.append(commits)


def written(path: Path) -> list[Commit]:
    with Journal(path) as journal:
        return list(journal.commits())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal(tmp_path / "journal.ndjson") as journal:
        journal.append(FIVE[:2])
        journal.append([])
        journal.append(FIVE[2:])
    return tmp_path / "journal.ndjson"


def test_what_was_appended_is_read_back_in_order(path: Path) -> None:
    assert written(path) == FIVE
    with Journal(path) as journal:
        journal.append([replace(FIVE[0], key="anew")])
    assert written(path)[-1].key == "anew"
    assert path.read_text().count("\n") == 7  # a header, and a line for each commit


def test_truncated_at_every_byte_of_its_last_record(path: Path) -> None:
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    assert last > 100
    for missing in range(last + 1):
        path.write_bytes(whole[: len(whole) - missing])
        kept = FIVE if missing == 0 else FIVE[:-1]
        with Journal(path) as journal:
            assert list(journal.commits()) == kept, missing
            journal.append([commit(9)])
        assert written(path) == [*kept, commit(9)], missing


def test_truncated_at_every_byte_of_its_header(path: Path) -> None:
    header = path.read_bytes().splitlines(keepends=True)[0]
    for size in range(len(header)):
        path.write_bytes(header[:size])
        with Journal(path) as journal:
            assert list(journal.commits()) == []
            journal.append(FIVE)
        assert written(path) == FIVE


@given(st.integers(0, 4), st.integers(0, 500), st.integers(1, 255))
def test_a_flipped_bit_costs_its_own_line_only(number: int, place: int, bits: int) -> None:
    path = Path(os.environ["I2S_TRT_HOME"]) / f"{number}-{place}-{bits}.ndjson"
    with Journal(path) as journal:
        journal.append(FIVE)
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = bytearray(lines[1 + number])
    damaged[place % (len(damaged) - 1)] ^= bits
    path.write_bytes(b"".join([*lines[: 1 + number], bytes(damaged), *lines[2 + number :]]))
    assert written(path) == [item for item in FIVE if item != FIVE[number]]
    path.unlink()


def test_beginning_anew_forgets(path: Path) -> None:
    with Journal(path, anew=True) as journal:
        assert list(journal.commits()) == []
        journal.append(FIVE[:1])
    assert written(path) == FIVE[:1]


@pytest.mark.parametrize("data", [b"something else\n", b'{"journal": 1}\n', b"00000000 {}\n" * 3])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "journal.ndjson").write_bytes(data)
    with pytest.raises(UsageError, match="is no journal of this version") as caught:
        Journal(tmp_path / "journal.ndjson")
    assert "--resume" in caught.value.hint
    assert (tmp_path / "journal.ndjson").read_bytes() == data


def test_a_full_disk_adds_nothing(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "disk", "size=64k") as disk:
        many = [commit(number) for number in range(100)]
        with Journal(disk / "journal.ndjson") as journal:
            journal.append(FIVE)
            with pytest.raises(EnvironmentFault, match="disk is full"):
                fill(journal, many)
            complete = list(journal.commits())
            assert complete == FIVE + many * (len(complete) // 100)
        assert written(disk / "journal.ndjson") == complete


def test_a_folder_that_is_missing_is_explained(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault):
        Journal(tmp_path / "none" / "journal.ndjson")
