"""Programs that stand in for synthesis tools: they check nothing, write what a test gives them, and end as it says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def fake_tool(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, says: str, writes: Mapping[str, str], code: int = 0
) -> Path:
    """Make ``name`` a program that prints ``says`` and writes files; return the file that gets its arguments."""
    folder.mkdir(exist_ok=True)
    arguments = folder / f"{name}.arguments"
    program = folder / name
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from pathlib import Path\n"
        f"Path({str(arguments)!r}).write_text('\\n'.join(sys.argv[1:]))\n"
        f"for path, text in {dict(writes)!r}.items():\n"
        "    Path(path).write_text(text)\n"
        f"print({says!r})\n"
        f"sys.exit({code})\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("SNN2RTL_" + name.upper().replace("-", "_"), str(program))
    return arguments
