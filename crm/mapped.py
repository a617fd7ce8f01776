"""Named arrays in one file, opened where they lie: one copy in memory for all processes.

The file is an uncompressed `.npz` that numpy reads as any other. Every array begins at a multiple
of 64 bytes (the members are padded as `zipalign` does it), so that it can be used in place; what is
mapped is read-only and comes into memory page by page as it is looked at. Nothing is unpickled.
"""

import mmap
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

ALIGNED = 64  # bytes: a line of the processor's cache
LOCAL = struct.Struct("<4s22xHH")  # of a member's own header: signature, lengths of name and extra
PADDING = struct.Struct("<HH")  # an extra field that others skip: a number of nobody, its length
NOBODYS = 0xD935
ZIP64 = 20  # bytes that zipfile adds to a member whose size it is not told before
EPOCH = (1980, 1, 1, 0, 0, 0)


class NotArrays(Exception):
    """The file is damaged, or holds something else than plain arrays."""


def write(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays one after the other; the same arrays are always the same bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            begins = file.tell() + LOCAL.size + len(info.filename.encode()) + ZIP64 + PADDING.size
            info.extra = _padding(-begins % ALIGNED)
            with archive.open(info, "w", force_zip64=True) as member:
                npy.write_array(member, np.asanyarray(array), allow_pickle=False)


def read(path: Path) -> dict[str, np.ndarray]:
    """Every array of the file by its name, read-only. Raises NotArrays, and OSError."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            members = archive.infolist()
        return {one.filename.removesuffix(".npy"): _array(whole, one) for one in members}
    except (ValueError, KeyError, struct.error, zipfile.BadZipFile) as error:
        raise NotArrays(str(error)) from error


def _padding(size: int) -> bytes:
    return PADDING.pack(NOBODYS, size) + bytes(size)


def _array(whole: mmap.mmap, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        raise NotArrays(f"{member.filename} is compressed")
    signature, name, extra = LOCAL.unpack_from(whole, member.header_offset)
    if signature != b"PK\x03\x04":
        raise NotArrays(f"{member.filename} is not where it should be")
    whole.seek(member.header_offset + LOCAL.size + name + extra)
    major, _ = npy.read_magic(whole)
    header = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    shape, is_fortran, dtype = header(whole)
    if dtype.hasobject:
        raise NotArrays(f"{member.filename} holds objects")
    array = np.frombuffer(whole, dtype, int(np.prod(shape, dtype=np.int64)), whole.tell())
    return array.reshape(shape, order="F" if is_fortran else "C")
