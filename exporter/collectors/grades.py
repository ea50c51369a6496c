"""Grades, and the learners who passed."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_values
from exporter.collectors import tables
from exporter.collectors.run import Result, Run
from exporter.samples import Samples

_AVERAGE = "data.average"
_GRADES = {
    "num_enrollments": catalog.COURSE_GRADED_USERS,
    "avg_grade": catalog.COURSE_AVERAGE_GRADE,
    "num_passed": catalog.COURSE_PASSED,
}


async def grade(run: Run) -> Result:
    """Mean grade of the org."""
    response = await run.request(endpoints.AVERAGE_GRADE, lambda body: parse_values(body, _AVERAGE))
    samples = Samples()
    samples.add(catalog.AVERAGE_GRADE, response[_AVERAGE])
    return run.result("grade", samples)


async def course_grades(run: Run) -> Result:
    """Mean grade in each course, how many have one, and how many passed."""
    table = await tables.courses(run, endpoints.GRADES_PER_COURSE, tuple(_GRADES))
    return run.result("courses", table.samples(_GRADES))
