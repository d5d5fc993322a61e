"""Output folders of two files, as compile would write them."""

from collections.abc import Callable
from pathlib import Path

from snn2rtl.output import write_manifest


def writer(text: str) -> Callable[[Path], None]:
    """Return a function that fills a folder with two files and their manifest."""

    def write(folder: Path) -> None:
        (folder / "hdl").mkdir()
        (folder / "hdl" / "top.v").write_text(text)
        (folder / "README.md").write_text(text)
        write_manifest(folder, {"version": text})

    return write


def text_of(out: Path) -> str:
    return (out / "hdl" / "top.v").read_text()


def beside(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())
