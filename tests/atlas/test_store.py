"""The atlas file: the same bytes for the same entries, one block for one class, and no nonsense from another file."""

import json

import pytest

from symcount.atlas import store, writing
from symcount.atlas.compression import packed
from symcount.atlas.counting import Counter
from symcount.atlas.record import Check, Entry, Layout, Number, Section, StoredFormula
from symcount.errors import ConfigError, UncoveredError


def entry(name):
    formula = StoredFormula([["H", "hidden_size", "H", "hidden size", 1, True, False]], {"unique": "H * H"}, points=8)
    layout = Layout(
        {},
        {"": Section({"hidden_size": "i"}, {"width": "hidden_size"}, ["legacy"], {}, False, "", False)},
        {"hidden_size": Number("H", 8, minimum=1)},
        {"flag": Check(False, None, {"false": 0, "true": 1})},
        ["flag"],
        {"0": [0]},
        [formula],
        8,
    )
    return Entry(name, "toy", True, 0, [layout])


def written(path, names=("ToyModel", "ToyForX")):
    families = [("toy", {n: entry(n).to_json() for n in names}, {"expressions": [], "blocks": [], "trees": []})]
    writing.write(path, families, {"toy": "ToyModel", "gone": "GoneModel"}, ["relu"], "versions", {"classes": 2})
    return path


def test_what_is_written_is_read(tmp_path):
    atlas = store.Atlas(written(tmp_path / "a.bin"))
    assert atlas.find("ToyForX") == entry("ToyForX")
    assert atlas.find("toy") == entry("ToyModel")
    assert atlas.find("nothing") is None
    assert atlas.names == ["ToyForX", "ToyModel"]
    assert dict(atlas.bases) == {"toy": "ToyModel"}
    assert (atlas.versions, atlas.activations) == ("versions", frozenset({"relu"}))
    assert atlas.trees("toy" if False else "ToyModel") == {"expressions": [], "blocks": [], "trees": []}


def test_records_are_json_and_back():
    item = entry("ToyModel")
    assert Entry.from_json(json.loads(json.dumps(item.to_json()))) == item


def test_the_same_entries_give_the_same_bytes(tmp_path):
    first = written(tmp_path / "a.bin").read_bytes()
    assert written(tmp_path / "b.bin", ("ToyForX", "ToyModel")).read_bytes() == first


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path, monkeypatch):
    written(tmp_path / "a.bin")
    before = (tmp_path / "a.bin").read_bytes()

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(ConfigError, match="No space left"):
        written(tmp_path / "a.bin", ("ToyModel",))
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"symcount", b"symcount atlas 1\n\x00\x00\x00\x04oops", b"\x80\x04pickle"])
def test_another_file_is_no_atlas(tmp_path, data):
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="atlas"):
        store.Atlas(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        store.Atlas(tmp_path / "missing.bin")


def test_only_one_block_is_read(tmp_path, monkeypatch):
    families = [(f"t{i}", {f"C{i}": Entry(f"C{i}", f"t{i}").to_json()}, {"trees": [i]}) for i in range(20)]
    writing.write(tmp_path / "a.bin", families, {}, [], "v", {})
    atlas = store.Atlas(tmp_path / "a.bin")
    for i in (7, 0, 19):
        assert atlas.find(f"C{i}").name == f"C{i}"
        assert atlas.trees(f"C{i}") == {"trees": [i]}
        assert atlas.model_types(f"C{i}") == [f"t{i}"]
    assert len(atlas._texts) == len(atlas._blocks) == 3  # entries, trees


def test_what_blocks_have_in_common_is_in_the_file_once(tmp_path):
    families = [(f"t{i}", {f"C{i}": entry(f"C{i}").to_json()}, {"trees": [i]}) for i in range(40)]
    writing.write(tmp_path / "a.bin", families, {}, [], "v", {})
    atlas = store.Atlas(tmp_path / "a.bin")
    alone = sum(len(packed(entries)) for _, entries, _ in families)
    stored = sum(size for _, size, _ in atlas._headers[0]["families"]) + sum(atlas._headers[0]["common"])
    assert stored < alone / 2
    assert all(atlas.find(f"C{i}") == entry(f"C{i}") for i in range(40))


def layout_of(required, total):
    """A layout for configs that say *required*, or for any if that is nothing."""
    given = {} if required is None else {"kind": Check(None, None, {f"'{required}": 0})}
    formula = StoredFormula([["H", "hidden_size", "H", "hidden size", 1, True, False]], {"unique": total}, points=8)
    checks = given or {"kind": Check("plain", None, {"'plain": 0})}
    return Layout(
        {}, {"": Section({"hidden_size": "i"})}, {"hidden_size": Number("H", 8)}, checks, [], {"": [0]}, [formula]
    )


@pytest.mark.parametrize(("said", "total"), [({}, 8), ({"kind": "plain"}, 8), ({"kind": "other"}, 16)])
def test_a_config_is_read_by_the_first_layout_that_covers_it(tmp_path, said, total):
    item = Entry("ToyModel", "toy", True, 0, [layout_of(None, "H"), layout_of("other", "2 * H")])
    families = [("toy", {"ToyModel": item.to_json()}, {"expressions": [], "blocks": [], "trees": []})]
    writing.write(tmp_path / "a.bin", families, {"toy": "ToyModel"}, [], "versions", {})
    found = Counter(store.Atlas(tmp_path / "a.bin"))
    assert found.count({"model_type": "toy", **said})[1]["unique"] == total


def test_what_no_layout_covers_is_told_in_the_words_of_the_first(tmp_path):
    item = Entry("ToyModel", "toy", True, 0, [layout_of(None, "H"), layout_of("other", "2 * H")])
    families = [("toy", {"ToyModel": item.to_json()}, {"expressions": [], "blocks": [], "trees": []})]
    writing.write(tmp_path / "a.bin", families, {"toy": "ToyModel"}, [], "versions", {})
    with pytest.raises(UncoveredError, match='kind = "third" is outside the stored formulas'):
        Counter(store.Atlas(tmp_path / "a.bin")).count({"model_type": "toy", "kind": "third"})


def test_an_atlas_that_is_replaced_while_it_is_open_is_an_error_in_words(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(store.default_path().read_bytes())
    opened = store.Atlas(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\0" * 1000)
    with pytest.raises(ConfigError, match="was replaced since it was opened"):
        [opened.find(name) for name in opened.names]
