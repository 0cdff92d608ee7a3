"""The names that code reads, wherever it reads them."""

import pytest

from corenet.training.engines.recording.code_names import names_in

LIMIT = 3.0


def plain(x):
    return x.scale * LIMIT + len(x.rows.all)


def inner(x):
    def deeper():
        return x.depth + LIMIT

    return [each.width for each in deeper()]


def by_text(x):
    return getattr(x, "shift") + x["offset"]  # noqa: B009 - that is the point


def written(x):
    x.count = 1
    global LIMIT
    LIMIT = 2.0


def imported(x):
    from math import tau

    return tau * x


def own(x, y=None):
    y = x if y is None else y
    return y + 1


@pytest.mark.parametrize(
    ("function", "globals", "attributes"),
    [
        (plain, {"LIMIT", "len"}, {"scale", "rows", "all"}),
        (inner, {"LIMIT"}, {"depth", "width"}),
        (by_text, {"getattr"}, {"shift", "offset"}),
        (own, set(), set()),
    ],
)
def test_globals_and_attributes_are_found(function, globals, attributes):
    names = names_in(function.__code__)
    assert names.globals == globals
    assert attributes <= names.attributes
    assert "x" not in names.attributes | names.globals


def test_what_is_written_or_imported_is_found_as_well():
    assert {"count", "LIMIT"} <= names_in(written.__code__).attributes
    names = names_in(imported.__code__)
    assert ("math", 0) in names.imports
    assert "tau" in names.attributes


def sets(a, held):
    global COUNT
    own = 0

    def inner():
        nonlocal own
        own += 1

    COUNT = 1
    held.value = a
    del held.other
    return inner


def test_what_code_sets_outside_of_itself_is_found():
    assert names_in(sets.__code__).sets == {"COUNT", "value", "other"}
    inner = next(each for each in sets.__code__.co_consts if hasattr(each, "co_code"))
    assert names_in(inner).sets == {"own"}


def matches(x):
    match x:
        case complex(real=found):
            return found


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x: f"{x}", {"__format__", "__str__", "__repr__"}),
        (lambda x: "%s" % x, {"__str__", "__repr__"}),  # noqa: UP031 - older code does
        (lambda x: str(x), {"__str__"}),
        (lambda x: type(x)(), {"__init__", "__new__", "__post_init__"}),
        (lambda x: x.copy(x), {"__copy__", "__deepcopy__"}),
        (lambda x: x.get("inner.factor"), {"inner", "factor"}),
        (lambda x: x in ("one", "two"), {"one", "two"}),
        (matches, {"__match_args__", "real"}),
        (lambda x: sets(x.sets), {"sets"}),
    ],
)
def test_what_python_calls_or_finds_by_a_text_is_named_too(function, names):
    assert names <= names_in(function.__code__).attributes


def test_a_sentence_is_no_name():
    assert "sentence" not in names_in((lambda: "a sentence with blanks").__code__).attributes


class Made:
    def __init__(self, held, one, other):
        self.one, self.other = one, other
        held.value = one

    def again(self):
        self.__init__(self, 1, 2)

    def reset(self):
        self.one = 1


def test_what_an_object_sets_of_itself_when_it_is_made_is_told_apart():
    made = names_in(Made.__init__.__code__)
    assert (made.makes, made.sets, made.makes_again) == ({"one", "other"}, {"value"}, False)
    assert names_in(Made.again.__code__).makes_again
    reset = names_in(Made.reset.__code__)
    assert (reset.makes, reset.sets, reset.makes_again) == (frozenset(), {"one"}, False)
