import collections
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.weights.torch_zip import read_state_dict

# PyTorch before 1.6 began each file with this number, pickled by itself.
OLD_FORMAT = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def checkpoint(tmp_path, write_pth, train_steps):
    """The published program's tiny discriminator as it saves it."""
    return write_pth(tmp_path / "latest_net_D.pth", train_steps["D"])


def test_reads_a_network(checkpoint, train_steps):
    state = read_state_dict(checkpoint)
    assert list(state) == list(train_steps["D"]) and len(state) == 20
    for name, array in train_steps["D"].items():
        assert state[name].dtype == np.float32
        np.testing.assert_array_equal(state[name], array)


@pytest.mark.parametrize("order", ["little", "big"])
def test_round_trip_of_types_layouts_and_byte_orders(tmp_path, write_pth, order):
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.normal(size=(2, 3, 4)).astype(np.float32),
        "transposed": np.asfortranarray(rng.normal(size=(5, 3)).astype(np.float32)),
        "half": rng.normal(size=7).astype(np.float16),
        "count": np.int64([[1, -2], [3, 2**40]]),
        "scalar": np.array(3.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
    }
    state = read_state_dict(write_pth(tmp_path / "net.pth", arrays, order=order))
    assert list(state) == list(arrays)
    for name, array in arrays.items():
        assert state[name].shape == array.shape
        assert state[name].dtype.newbyteorder("=") == array.dtype
        np.testing.assert_array_equal(state[name], array)


@pytest.mark.parametrize(
    "function, arguments",
    [
        (os.system, ("touch {marker}",)),
        (eval, ("open(r'{marker}', 'w')",)),
        (exec, ("open(r'{marker}', 'w')",)),
        (open, ("{marker}", "w")),
        (getattr, ({}, "clear")),
        (pickle.loads, (b"",)),
        (np.load, ("{marker}",)),
    ],
)
def test_calls_are_refused_by_name_and_never_made(tmp_path, write_pickle_zip, function, arguments):
    marker = tmp_path / "ran"
    arguments = [a.format(marker=marker) if isinstance(a, str) else a for a in arguments]
    path = write_pickle_zip(pickle.dumps({"w": Calls(function, *arguments)}))
    with pytest.raises(UserError, match="refused.*only dictionaries of tensors") as error:
        read_state_dict(path)
    assert function.__name__ in one_line(error) and str(path) in str(error.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["torch.storage\n_load_from_bytes", "torch\nload", "torch._utils\n_rebuild_wrapper"]
)
def test_other_names_of_torch_are_refused_too(write_pickle_zip, name):
    module, attribute = name.split("\n")
    path = write_pickle_zip(b"\x80\x02c" + name.encode() + b"\n.")
    with pytest.raises(UserError, match=f"{module}.{attribute}"):
        read_state_dict(path)


def test_arrays_of_numpy_are_not_tensors(write_pickle_zip):
    with pytest.raises(UserError, match="refused, it refers to numpy"):
        read_state_dict(write_pickle_zip(pickle.dumps({"w": np.zeros(3)}, 2)))


@pytest.mark.parametrize("state, culprit", [({"w": 1}, "'w'"), ({1: 2}, "1"), ([], "list"), ({}, "dict")])
def test_other_contents_are_refused(write_pickle_zip, state, culprit):
    with pytest.raises(UserError, match="latest_net_G.pth") as error:
        read_state_dict(write_pickle_zip(pickle.dumps(state, 2)))
    assert culprit in one_line(error)


@pytest.mark.parametrize("keep", [0.999, 0.5, 0.01])
def test_truncated_checkpoint_is_an_error(tmp_path, checkpoint, keep):
    data = checkpoint.read_bytes()
    path = tmp_path / "cut.pth"
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(UserError, match="cut.pth: a damaged PyTorch checkpoint") as error:
        read_state_dict(path)
    one_line(error)


def test_flipped_byte_in_the_weights_is_noticed(tmp_path, checkpoint):
    data = bytearray(checkpoint.read_bytes())
    with zipfile.ZipFile(checkpoint) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    data[largest.header_offset + largest.file_size // 2] ^= 4
    path = tmp_path / "flipped.pth"
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        read_state_dict(path)


def tensor_pickle(size, stride, offset=0, count=4, key="0"):
    """The pickle of one tensor over a storage of float32, written out by hand."""

    def integer(value):
        return b"J" + value.to_bytes(4, "little", signed=True)

    def integers(values):
        return b"(" + b"".join(map(integer, values)) + b"t"

    storage = b"(U\x07storagectorch\nFloatStorage\nU\x01" + key.encode() + b"U\x03cpu"
    storage += integer(count) + b"tQ"
    arguments = storage + integer(offset)
    arguments += integers(size) + integers(stride) + b"\x89ccollections\nOrderedDict\n)R"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"
    return b"\x80\x02}U\x01w" + call + b"s."


def test_hand_written_tensor_is_read(write_pickle_zip):
    storage = np.float32([1, 2, 3, 4]).tobytes()
    state = read_state_dict(write_pickle_zip(tensor_pickle((3,), (1,), offset=1), [storage]))
    np.testing.assert_array_equal(state["w"], [2, 3, 4])


@pytest.mark.parametrize(
    "tensor",
    [
        {"size": (5,), "stride": (1,)},
        {"size": (2, 2), "stride": (3, 1)},
        {"size": (4,), "stride": (1,), "offset": 1},
        {"size": (4,), "stride": (1,), "offset": -1},
        {"size": (2,), "stride": (-1,), "offset": 2},
        {"size": (1000, 1000), "stride": (0, 0)},
        {"size": (4, 1), "stride": (1,)},
        {"size": (4,), "stride": (1,), "count": 8},
        {"size": (4,), "stride": (1,), "key": "9"},
    ],
)
def test_tensors_that_do_not_fit_their_storage_are_damage(write_pickle_zip, tensor):
    path = write_pickle_zip(tensor_pickle(**tensor), [np.zeros(4, np.float32).tobytes()])
    with pytest.raises(UserError, match="damaged PyTorch checkpoint"):
        read_state_dict(path)


def test_compressed_archives_are_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", tensor_pickle((4,), (1,)))
    with pytest.raises(UserError, match="bomb.pth: its net/data.pkl is compressed"):
        read_state_dict(path)


def test_missing_file_and_other_files_are_named(tmp_path):
    with pytest.raises(UserError, match="none.pth: cannot be read .No such file"):
        read_state_dict(tmp_path / "none.pth")
    with pytest.raises(UserError, match="cannot be read"):
        read_state_dict(tmp_path)
    for content in (b"", b"<html>", b"\x89PNG\r\n"):
        (tmp_path / "x.pth").write_bytes(content)
        with pytest.raises(UserError, match="x.pth: not a PyTorch checkpoint"):
            read_state_dict(tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "photos.pth", "w") as archive:
        archive.writestr("a.txt", "")
    with pytest.raises(UserError, match="photos.pth: a zip archive but no checkpoint"):
        read_state_dict(tmp_path / "photos.pth")


def test_old_format_without_torch_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "old.pth"
    path.write_bytes(OLD_FORMAT)
    with pytest.raises(UserError, match="old.pth: .*extra `torch`: pip install") as error:
        read_state_dict(path)
    one_line(error)


def test_old_format_goes_through_torchs_restricted_reader(tmp_path, monkeypatch):
    class Tensor:
        dtype = "float32"

        def detach(self):
            return self

        def numpy(self):
            return np.arange(3.0)

    def load(path, **options):
        calls.append((path, options))
        return collections.OrderedDict(w=Tensor())

    calls = []
    torch = types.SimpleNamespace(load=load, Tensor=Tensor, bfloat16="bfloat16")
    monkeypatch.setitem(sys.modules, "torch", torch)
    path = tmp_path / "old.pth"
    path.write_bytes(OLD_FORMAT)
    np.testing.assert_array_equal(read_state_dict(path)["w"], [0, 1, 2])
    assert calls == [(path, {"map_location": "cpu", "weights_only": True})]


def test_old_format_that_torch_refuses_is_an_error(tmp_path, monkeypatch):
    def load(path, **options):
        raise pickle.UnpicklingError("unsupported global\nposix.system")

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))
    path = tmp_path / "old.pth"
    path.write_bytes(OLD_FORMAT)
    with pytest.raises(UserError, match="old.pth: torch cannot read it.*unsupported") as error:
        read_state_dict(path)
    one_line(error)
