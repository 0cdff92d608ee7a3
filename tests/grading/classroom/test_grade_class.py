"""The servers that grade: told as they go, in the order of the class, and gone at the end."""

import pytest

from corenet.errors import ConfigError
from corenet.grading.classroom.grade_class import Classroom
from corenet.grading.classroom.submissions import Submission


@pytest.fixture
def classroom(tmp_path, monkeypatch):
    """A classroom of which the servers answer at once, as they are told to."""

    def make(answer, count=2):
        made = Classroom(tmp_path, 1.0, 10.0, [tmp_path])
        monkeypatch.setattr("corenet.registry.doctor.worker.Worker.ask", lambda _, request, limit: answer(request))
        return made

    return make


def answered(points, **more):
    value = {"submission": "x.py", "points": points, "out_of": 10.0, "error": None, "layers": []}
    return {"value": value, "fault": "", "refusals": [], "seconds": 0.5, "walls": True} | more


def submissions(tmp_path, count):
    return [Submission(f"student{number}", tmp_path / f"{number}.py") for number in range(count)]


def test_rows_are_in_the_order_of_the_class_whichever_is_there_first(classroom, tmp_path):
    told = []
    made = classroom(lambda request: answered(float(request[1].rpartition("/")[2].removesuffix(".py"))))
    rows = made.grade(submissions(tmp_path, 11), told.append)
    assert [row.points for row in rows] == [float(number) for number in range(11)]
    assert sorted(told, key=lambda row: row.points) == rows


@pytest.mark.parametrize("value", [{}, {"layers": 1}, [1], "100 points"])
def test_what_is_no_result_is_no_points(classroom, tmp_path, value):
    row = classroom(lambda _: answered(0.0, value=value)).grade(submissions(tmp_path, 1), print)[0]
    assert (row.points, row.out_of, row.error) == (0.0, 10.0, "was answered with what is no result")


def test_a_fault_is_the_reason_and_what_was_refused_stays(classroom, tmp_path):
    answer = answered(0.0, value=None, fault="took longer than 1 s", refusals=["reach the network"])
    row = classroom(lambda _: answer).grade(submissions(tmp_path, 1), print)[0]
    assert (row.error, row.refusals, row.points, row.seconds) == (
        "took longer than 1 s",
        ("reach the network",),
        0.0,
        0.5,
    )


def test_a_submission_that_is_no_file_is_not_asked_for(classroom, tmp_path):
    row = classroom(lambda _: 1 / 0).grade([Submission("a", tmp_path, "has no .py file")], print)[0]
    assert (row.student, row.error, row.points) == ("a", "has no .py file", 0.0)


def test_a_system_that_forks_no_process_is_told_so(monkeypatch, tmp_path):
    monkeypatch.delattr("os.fork")
    with pytest.raises(ConfigError, match=r"^this system forks no process; run corenet grade on "):
        Classroom(tmp_path, 1.0, 10.0, [])
