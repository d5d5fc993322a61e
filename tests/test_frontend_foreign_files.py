"""Files of other tools are named for what they are, with what to do."""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from model_files import refused
from torch import nn

FRAMEWORKS = "SpikingJelly's, snnTorch's or Norse's"
BUILD = f"build the network of {FRAMEWORKS} layers, give it these weights and write it with snn2rtl.save"
EAGER = "load the weights into the Python class that it was made of, and write that with torch.save"


def archive(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_hdf5(tmp_path):
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file["weights"] = np.ones(3)
    assert refused(tmp_path / "net.h5") == (
        f"must be a file of snn2rtl.save or torch.save, not HDF5, as Keras and NIR write it; {BUILD}; "
        "a graph of NIR must be named FILE.nir"
    )


def test_torchscript(tmp_path):
    torch.jit.script(nn.Linear(2, 1)).save(tmp_path / "net.pt")
    assert refused(tmp_path / "net.pt") == (
        f"must be a file of snn2rtl.save or torch.save, not a program of torch.jit (torchscript); {EAGER}"
    )


def test_torch_export(tmp_path):
    torch.export.save(torch.export.export(nn.Linear(2, 1), (torch.ones(1, 2),)), tmp_path / "net.pt2")
    assert refused(tmp_path / "net.pt2") == (
        f"must be a file of snn2rtl.save or torch.save, not a program of torch.export; {EAGER}"
    )


def test_before_1_6(tmp_path):
    torch.save(nn.Linear(2, 1), tmp_path / "net.pt", _use_new_zipfile_serialization=False)
    assert refused(tmp_path / "net.pt") == (
        "must be a file of snn2rtl.save or torch.save, not one of PyTorch before 1.6; "
        "load it with torch.load and write it again with torch.save"
    )


SAFETENSORS = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
FILES = {
    # ir_version 8, then producer_name "pytorch", as torch.onnx.export() begins a file
    "net.onnx": (b"\x08\x08\x12\x07pytorch" + b"\x1a\x05" + bytes(40), f"ONNX; {BUILD}"),
    "net.tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(40), f"a model of TensorFlow Lite; {BUILD}"),
    "net.keras": (archive(**{"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b""}),
                  f"a model of Keras; {BUILD}"),
    "net.safetensors": (struct.pack("<Q", len(SAFETENSORS)) + SAFETENSORS + bytes(4), "safetensors; load it with "
                        "safetensors.torch.load_file, write that with torch.save, and describe its layers with --arch"),
    "net.pt.gz": (gzip.compress(b"anything"), "a compressed one; unpack it first"),
    "net.pt": (archive(**{"weight.npy": b"", "bias.npy": b""}), "arrays of NumPy; name the file of an integer "
               "network FILE.npz; for weights write a state_dict of tensors with torch.save"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_tools(tmp_path: Path, name):
    content, sentence = FILES[name]
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name) == f"must be a file of snn2rtl.save or torch.save, not {sentence}"
