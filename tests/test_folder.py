import json

import numpy as np
import pytest
from networks import chain, dense, direct

from snn2rtl.errors import ModelFileError
from snn2rtl.folder import open_folder
from snn2rtl.int_net.network_file import digest
from snn2rtl.options import PerLayer, RtlOptions
from snn2rtl.rtl.emit import write_rtl
from snn2rtl.rtl.plan import plan
from snn2rtl.version import __version__

NETWORK = chain(dense(np.eye(3, dtype=int)), dense(np.ones((2, 3), int)))


@pytest.fixture
def out(tmp_path):
    options = RtlOptions(lanes=PerLayer(1, {"fc2": 2}), layout=PerLayer("dense", {"fc1": "indexed"}), output="counts")
    write_rtl(NETWORK, plan(NETWORK, options), tmp_path / "rtl")
    return tmp_path / "rtl"


def test_a_folder_gives_back_its_network_and_its_hardware(out):
    folder = open_folder(out)
    assert digest(folder.network) == digest(NETWORK)
    assert [(layer.lanes, layer.layout.kind) for layer in folder.design.layers] == [(1, "indexed"), (2, "dense")]
    assert folder.design.output == "counts"
    assert all((out / file).is_file() for file in folder.hdl)


@pytest.mark.parametrize("beat_pixels", [1, 8])
def test_a_folder_gives_back_the_beats_of_pixels(tmp_path, beat_pixels):
    network = direct(NETWORK, 4)
    write_rtl(network, plan(network, RtlOptions(beat_pixels=beat_pixels)), tmp_path / "rtl")
    design = open_folder(tmp_path / "rtl").design
    assert (design.in_data_width, design.layers[0].steps, design.layers[1].steps) == (8 * beat_pixels, 4, 1)


def changed(out, **values):
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, **values}))


@pytest.mark.parametrize(
    "values",
    [
        {"generator": "other"},
        {"files": 3},
        {"digest": None},
        {"options": []},
        {"options": {}},
        {"options": {"lanes": [1], "layout": ["dense", "dense"], "output": "class"}},
        {"options": {"lanes": 3, "layout": ["dense", "dense"], "output": "class"}},
        {"options": {"lanes": ["1", "1"], "layout": ["dense", "dense"], "output": "class"}},
        {"hdl": 3},
    ],
)
def test_a_manifest_that_says_something_else_is_refused(out, values):
    changed(out, **values)
    with pytest.raises(ModelFileError):
        open_folder(out)


@pytest.mark.parametrize("other", [{}, {"options": {}}])
def test_a_folder_of_another_version_is_refused_by_name(out, other):
    changed(out, version="0.0.7", **other)
    with pytest.raises(
        ModelFileError, match=rf"rtl: must be written by snn2rtl {__version__}, not 0\.0\.7; compile it"
    ):
        open_folder(out)
    write_rtl(NETWORK, plan(NETWORK), out)  # compile replaces it
    open_folder(out)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(out, text):
    (out / "manifest.json").write_text(text)
    with pytest.raises(ModelFileError, match=r"rtl: must be a folder that snn2rtl compile wrote \("):
        open_folder(out)


@pytest.mark.parametrize("key", ["generator", "version", "files", "digest", "options", "hdl"])
def test_a_manifest_that_lacks_something_is_refused(out, key):
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest[key]
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFileError, match="must be a folder that snn2rtl compile wrote"):
        open_folder(out)


@pytest.mark.parametrize(
    "name",
    ["hdl/net_top.v; exec -- touch x; #", "hdl/a b.v", "hdl/../hdl/net_top.v", "/etc/passwd", "mem/net_top.v", "-o.v",
     "hdl/absent.v", "hdl/\n.v", ""],
)  # fmt: skip
def test_verilog_with_a_name_that_compile_never_gives_is_refused(out, name):
    hdl = json.loads((out / "manifest.json").read_text())["hdl"]
    changed(out, hdl=[*hdl, name])
    rule = r"manifest\.json: hdl must name Verilog files of the folder, hdl/<module>\.v, not '"
    with pytest.raises(ModelFileError, match=rule):
        open_folder(out)


@pytest.mark.parametrize("name", ["hdl/../../hdl/net_top.v", "/etc/passwd", "..", "hdl//net_top.v", "hdl/a b.v"])
def test_files_outside_of_the_folder_are_refused(out, name):
    files = json.loads((out / "manifest.json").read_text())["files"]
    changed(out, files={**files, name: ""})
    with pytest.raises(ModelFileError, match=r"manifest\.json: files must be plain names inside of the folder"):
        open_folder(out)


def test_missing_files_are_named(out):
    (out / "README.md").unlink()
    with pytest.raises(ModelFileError, match=r"rtl: misses README\.md; compile it again$"):
        open_folder(out)
    (out / "hdl" / "net_top.v").unlink()
    with pytest.raises(ModelFileError, match=r"rtl: misses README\.md and 1 more; compile it again$"):
        open_folder(out)
