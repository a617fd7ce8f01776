"""Arrays in one file, opened where they lie."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from crm import mapped

SOME = {
    "likeness_": np.arange(12, dtype=np.float32).reshape(3, 4),
    "nested/name:1": np.array([1, 2, 3], dtype=np.uint8),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "nothing": np.zeros((0, 5)),
    "one number": np.array(7),
    "words": np.array('{"format": 1}'),
    "名": np.array([True, False]),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "arrays.npz"
    with path.open("wb") as file:
        mapped.write(file, SOME)
    return path


def test_what_was_written_is_read(path):
    found = mapped.read(path)
    assert list(found) == list(SOME)
    for name, array in SOME.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_numpy_reads_the_file_as_its_own(path):
    with np.load(path, allow_pickle=False) as archive:
        assert all(np.array_equal(archive[name], array) for name, array in SOME.items())


def test_every_array_begins_where_the_processor_likes_it(path):
    assert all(array.ctypes.data % mapped.ALIGNED == 0 for array in mapped.read(path).values())


def test_all_lie_in_one_mapping_and_cannot_be_written(path):
    found = mapped.read(path)["likeness_"]
    assert not found.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1.0


def test_the_same_arrays_are_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.npz"
    with again.open("wb") as file:
        mapped.write(file, SOME)
    assert again.read_bytes() == path.read_bytes()


def test_what_is_mapped_outlives_the_name_of_its_file(path):
    found = mapped.read(path)
    path.unlink()
    assert np.array_equal(found["likeness_"], SOME["likeness_"])


def test_objects_are_neither_written_nor_read(tmp_path):
    path = tmp_path / "objects.npz"
    with path.open("wb") as file, pytest.raises(ValueError, match="allow_pickle"):
        mapped.write(file, {"code": np.array([print], dtype=object)})
    np.savez(path, code=np.array([print], dtype=object))
    with pytest.raises(mapped.NotArrays):
        mapped.read(path)


def test_a_compressed_file_cannot_be_mapped(tmp_path):
    path = tmp_path / "packed.npz"
    np.savez_compressed(path, values=np.arange(5))
    with pytest.raises(mapped.NotArrays, match="compressed"):
        mapped.read(path)


def test_files_of_numpy_itself_are_read(tmp_path):
    path = tmp_path / "older.npz"
    np.savez(path, values=np.arange(5))
    assert mapped.read(path)["values"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("damage", [b"", b"damaged", b"PK\x03\x04" + bytes(60)])
def test_what_is_no_such_file_is_said_to_be_none(tmp_path, damage):
    path = tmp_path / "damaged.npz"
    path.write_bytes(damage)
    with pytest.raises(mapped.NotArrays):
        mapped.read(path)


def test_a_file_that_is_cut_off_is_not_read(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(mapped.NotArrays):
        mapped.read(path)


def test_a_member_that_is_no_array_is_not_read(tmp_path):
    path = tmp_path / "text.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("read me", "not an array")
    with pytest.raises(mapped.NotArrays):
        mapped.read(path)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        mapped.read(tmp_path / "none.npz")


@given(
    st.dictionaries(
        st.text("abcdef_/.0123456789", min_size=1, max_size=20),
        arrays_of.arrays(
            st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.bool_]),
            arrays_of.array_shapes(max_dims=3, max_side=4, min_side=0),
        ),
        max_size=5,
    )
)
def test_any_arrays_survive(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("arrays") / "any.npz"
    with path.open("wb") as file:
        mapped.write(file, arrays)
    found = mapped.read(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].shape, found[name].tobytes()) == (array.shape, array.tobytes())
