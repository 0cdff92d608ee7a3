"""The points as files: the CSV of the class, and those of other tools."""

import csv
import io
import json

from corenet.grading.classroom.grades import FORMATS, NBGRADER, grades_csv, gradescope, nbgrader, otter


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_has_a_line_a_student_and_a_column_a_check(small_class):
    alice, bob, eve = read(grades_csv(small_class))
    assert alice == {
        "student": "alice", "submission": "alice.py", "points": "4.0", "out_of": "4.0", "error": "",
        "misconceptions": "", "seconds": "1.25", "linear.forward": "2.0", "linear.bias": "2.0",
    }  # fmt: skip
    assert (bob["misconceptions"], bob["linear.bias"]) == ("wrong_sign", "0.0")
    assert (eve["error"], eve["points"], eve["linear.forward"]) == ("took longer than 10 s", "0", "")


def test_a_name_with_commas_and_quotes_comes_back(row):
    name = 'Müller, "Bo"\n'
    assert read(grades_csv([row(name, relu={"a": None})]))[0]["student"] == name


def test_otter_reads_a_column_a_question(small_class):
    lines = read(otter(small_class, "hw1")["final_grades.csv"])
    assert list(lines[0]) == ["file", "linear.forward", "linear.bias", "percent_correct"]
    assert [float(line["percent_correct"]) for line in lines] == [1.0, 0.0, 0.0]
    assert lines[2] == {"file": "eve.py", "linear.forward": "0.0", "linear.bias": "0.0", "percent_correct": "0.0"}


def test_nbgrader_reads_the_columns_of_its_own_export(small_class):
    lines = read(nbgrader(small_class, "hw1")["grades.csv"])
    assert list(lines[0]) == NBGRADER
    assert [(line["assignment"], line["student_id"], line["score"], line["max_score"]) for line in lines] == [
        ("hw1", "alice", "4.0", "4.0"),
        ("hw1", "bob", "0.0", "4.0"),
        ("hw1", "eve", "0", "4.0"),
    ]


def test_gradescope_reads_a_file_a_student(small_class):
    files = {name: json.loads(text) for name, text in gradescope(small_class, "hw1").items()}
    assert list(files) == ["alice/results.json", "bob/results.json", "eve/results.json"]
    alice, bob, eve = files.values()
    assert (alice["score"], alice["output"], len(alice["tests"])) == (4.0, "4 of 4 points", 2)
    assert bob["tests"][1] == {
        "name": "linear: the bias",
        "score": 0.0,
        "max_score": 2.0,
        "status": "failed",
        "output": "It is wrong. (line 2)",
        "tags": ["wrong_sign"],
        "visibility": "visible",
    }
    assert (eve["score"], eve["output"], eve["tests"]) == (0, "took longer than 10 s", [])


def test_the_scores_of_the_tests_add_up_to_that_of_the_whole(small_class):
    for text in gradescope(small_class, "hw1").values():
        found = json.loads(text)
        assert sum(test["score"] for test in found["tests"]) == found["score"]


def test_every_format_is_written(small_class):
    assert set(FORMATS) == {"gradescope", "otter", "nbgrader"}
    assert all(make(small_class, "hw1") for make in FORMATS.values())
