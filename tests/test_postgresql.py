"""The test server of PostgreSQL: cleaning up after a run that was killed."""

import os
from pathlib import Path

from tests import postgresql


def test_folder_of_run_killed_with_machine_is_deleted_without_killing_other_programs(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    data = folder / "server" / "data"
    data.mkdir(parents=True)
    (folder / "owner").touch()
    # Since the restart, the id is that of another program: this one.
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n", encoding="utf-8")

    postgresql.end_abandoned(folder)

    assert not folder.exists()
