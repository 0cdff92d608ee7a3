"""``python -m corenet.grading ASSIGNMENT SUBMISSION``: grade one submission in this process, and print JSON."""

from __future__ import annotations

import os
import sys
from json import dumps
from pathlib import Path

from corenet.errors import CorenetError


def main(arguments: list[str]) -> int:
    """Print the result of a submission as the one line of stdout, whatever its code prints.

    Returns:
        0 if it was graded, 2 if the arguments or the assignment are wrong, with a line on stderr.
    """
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m corenet.grading ASSIGNMENT SUBMISSION\n")
        return 2
    # The student's code prints to descriptor 1; the result goes to a copy of what that was.
    answers = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    from corenet.grading.grade import grade

    folder, submission = map(Path, arguments)
    try:
        result = grade(folder, submission)
    except CorenetError as error:
        sys.stderr.write(f"corenet: {error}\n")
        return 2
    with os.fdopen(answers, "w", encoding="utf-8") as out:
        out.write(dumps(result.to_dict(), ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # what the student's code left running, or for the end, runs no more
