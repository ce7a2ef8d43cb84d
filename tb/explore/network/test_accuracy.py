"""Measures of accuracy against definitions and known answers."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.errors import UserError
from tileloom_explore.network.accuracy import (
    SignalToNoise,
    character_error_rate,
    ctc_text,
    edit_distance,
    error_rate,
    load_metric,
    read_characters,
    text_errors,
    top_1,
    word_error_rate,
)


def by_recursion(found, wanted):
    """Return the edit distance by its definition."""

    @cache
    def distance(i, j):
        if not i or not j:
            return i + j
        same = distance(i - 1, j - 1) + (found[i - 1] != wanted[j - 1])
        return min(same, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(found), len(wanted))


def test_edit_distance(rng):
    distances = []
    for _ in range(200):
        first, second = ("".join(rng.choice(list("abc"), rng.integers(0, 12))) for _ in range(2))
        distances.append(edit_distance(first, second))
        assert distances[-1] == by_recursion(first, second) == edit_distance(second, first)
    assert len(set(distances)) > 6
    assert edit_distance("kitten", "sitting") == 3


def test_rates_are_of_all_texts_together():
    found, wanted = ["the cat sat", "on"], ["the bat sat down", "on"]
    assert word_error_rate(found, wanted) == 2 / 5
    assert character_error_rate(found, wanted) == 6 / 18
    assert character_error_rate(["abc"], ["x"]) == 3
    assert error_rate([[1, 2]], [[2]]) == 1


def test_top_1(rng):
    scores = rng.normal(size=(50, 7))
    labels = rng.integers(0, 7, 50)
    assert top_1(scores, labels) == sum(
        max(range(7), key=lambda c: row[c]) == label for row, label in zip(scores, labels, strict=True)
    ) / len(labels)
    assert top_1(np.ones((2, 3)), np.array([0, 1])) == 0.5


def test_ctc():
    path = np.eye(4)[[0, 1, 1, 0, 1, 2, 2, 3, 0]]
    assert ctc_text(path, ["", "a", "b", " "]) == "aab "
    assert ctc_text(np.eye(2)[[0, 0]], ["", "x"]) == ""
    assert ctc_text(path, ["c", "a", "b", ""], blank=3) == "cacabc"


def test_texts_of_a_ctc(tmp_path):
    (tmp_path / "characters.txt").write_text("\na\nb\n \nß\n", encoding="utf-8")
    characters = read_characters(tmp_path / "characters.txt")
    assert characters == ["", "a", "b", " ", "ß"]
    scores = np.eye(5)[[[1, 0, 2, 3, 4, 0, 3], [1, 1, 3, 3, 1, 0, 0]]]
    found = text_errors(characters)(scores, np.array(["ab ß ", "b a"]))
    assert found == {"character error rate": 1 / 7, "word error rate": 1 / 4}
    with pytest.raises(UserError, match=r"labels are <U1 of shape \(1,\) and outputs of shape \(2, 7, 5\)"):
        text_errors(characters)(scores, np.array(["a"]))
    with pytest.raises(UserError, match="labels are int64"):
        text_errors(characters)(scores, np.array([1, 2]))
    for content, message in ((b"a\nb", "line 1 is the CTC's blank"), (b"\n\xff", "no UTF-8 text: byte 1")):
        (tmp_path / "wrong.txt").write_bytes(content)
        with pytest.raises(UserError, match=rf"wrong\.txt: {message}"):
            read_characters(tmp_path / "wrong.txt")


def test_the_command_measures_texts(tmp_path, monkeypatch, rng):
    """A product over six steps whose float model spells the labels; the array does so too."""
    monkeypatch.chdir(tmp_path)
    weights = rng.normal(size=(20, 5)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"], "classes")],
        "steps",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 6, 20])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 6, 5])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]), "m.onnx")
    x = rng.normal(size=(9, 6, 20)).astype(np.float32)
    texts = [ctc_text(each, ["", "a", "b", " ", "c"]).strip() for each in x @ weights]
    np.savez("x.npz", x=x, labels=np.array(texts))
    Path("characters.txt").write_text("\na\nb\n \nc\n", encoding="utf-8")
    run = CliRunner().invoke
    made = run(main, ["network", "prepare", "m.onnx", "--for", "stream-8x8-fp32", "-o", "m.tileloom.npz"])
    assert made.exit_code == 0, made.output
    command = ["network", "run", "m.tileloom.npz", "stream-8x8-fp32", "--data", "x.npz", "--json", "-q"]
    done = run(main, [*command, "--labels", "--characters", "characters.txt"])
    assert done.exit_code == 0, done.output
    rates = json.loads(done.stdout)["accuracy"]
    both = {"hardware": 0.0, "original": 0.0}
    assert rates == {"character error rate": both, "word error rate": both} and sum(map(len, texts)) > 20
    alone = run(main, [*command, "--characters", "characters.txt"])
    assert alone.exit_code == 2 and "--characters: goes with --labels" in alone.stderr


def test_noise_is_summed_over_batches(rng):
    exact, noise = rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 5, 4)) / 100
    ratio = SignalToNoise()
    for batch, wrong in zip(exact, noise, strict=True):
        ratio.add(batch, batch + wrong)
    assert ratio.decibels == pytest.approx(20 * np.log10(np.linalg.norm(exact) / np.linalg.norm(noise)))
    assert 35 < ratio.decibels < 45
    same, nothing = SignalToNoise(), SignalToNoise()
    same.add(exact, exact)
    nothing.add(np.zeros(3), np.ones(3))
    assert same.decibels == np.inf and nothing.decibels == -np.inf


def test_the_users_function(tmp_path, monkeypatch):
    (tmp_path / "my_scores.py").write_text("def f1(outputs, labels):\n    return len(outputs)\nlimit = 3\n")
    (tmp_path / "my_broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_metric("my_scores:f1")([1, 2], []) == 2
    for name, message in {
        "my_scores": "'my_scores': must be module:name",
        ":f1": "must be module:name",
        "my_scores:f2": "my_scores:f2: my_scores has no function f2",
        "my_scores:limit": "my_scores has no function limit",
        "my_score:f1": "cannot import my_score: ModuleNotFoundError",
        "my_broken:f1": "cannot import my_broken: ZeroDivisionError",
    }.items():
        with pytest.raises(UserError, match=message):
            load_metric(name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_1(np.ones((2, 3)), np.array([0, 3])), r"labels\[1\] is 3, not 0 to 2"),
        (lambda: top_1(np.ones((2, 3)), np.array([0])), r"labels are int64 of shape \(1,\) and outputs"),
        (lambda: top_1(np.ones((2, 3)), np.ones(2)), "labels are float64"),
        (lambda: error_rate(["a"], ["a", "b"]), "there are 1 outputs and 2 labels"),
        (lambda: error_rate(["a"], [""]), "labels are all empty"),
        (lambda: ctc_text(np.ones((5, 3)), ["", "a"]), r"outputs have shape \(5, 3\), not steps x 2"),
        (lambda: SignalToNoise().add(np.ones(3), np.ones(1)), r"results have shape \(1,\)"),
    ],
)
def test_what_is_wrong_is_told(call, message):
    with pytest.raises(UserError, match=message):
        call()
