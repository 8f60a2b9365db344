"""``sweep dashboard DIR``: the study in Optuna dashboard, on this machine only."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from sweep.cli import Command
from sweep.errors import ConfigError


class Dashboard(Command):
    """Start optuna-dashboard on a study, with its artifacts."""

    help = "open a study in Optuna dashboard"

    def run(self, args: Sequence[str]) -> int:
        """Serve until Ctrl-C.

        Raises:
            StudyError: if the folder holds no study.
            ConfigError: if the port cannot be used.
        """
        parser = argparse.ArgumentParser(prog="sweep dashboard", description=self.help)
        parser.add_argument("dir", type=Path, help="folder of a study, e.g. reports/pamap2-synthetic")
        parser.add_argument("--port", type=int, default=8080)
        options = parser.parse_args(args)
        from optuna.artifacts import FileSystemArtifactStore
        from optuna_dashboard import run_server

        from sweep.study.store import StudyStore

        with StudyStore.open_to_read(options.dir) as store:
            artifacts = FileSystemArtifactStore(str(options.dir / "artifacts"))
            print(f"http://127.0.0.1:{options.port}/ (Ctrl-C ends it)", flush=True)
            try:
                run_server(store.storage, host="127.0.0.1", port=options.port, artifact_store=artifacts)
            except (OSError, OverflowError) as err:  # in use, not allowed, or no port number at all
                raise ConfigError(
                    f"port {options.port} cannot be used ({err})", "give another one, e.g. --port 8081"
                ) from err
        return 0
