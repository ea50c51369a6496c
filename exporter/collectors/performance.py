"""What comes of it: grades, and who passes."""

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import read_figures
from exporter.collectors import tables
from exporter.collectors.visit import Findings, Visit

_AVERAGE = "data.average"
_ENROLLED = "num_enrollments"
_GRADES = {"avg_grade": catalog.COURSE_AVERAGE_GRADE, "num_passed": catalog.COURSE_PASSED}


async def grade(visit: Visit) -> Findings:
    """Mean grade of the org."""
    findings = Findings()
    answer = await visit.ask(endpoints.AVERAGE_GRADE, lambda body: read_figures(body, _AVERAGE))
    findings.samples.add(catalog.AVERAGE_GRADE, visit.ratio(answer[_AVERAGE]))
    return findings


async def course_grades(visit: Visit) -> Findings:
    """Mean grade in each course, and how many passed; none where too few are enrolled."""
    findings = Findings()
    fields = (*_GRADES, _ENROLLED)
    table = await tables.courses(visit, endpoints.GRADES_PER_COURSE, fields)
    enrolled = table.columns.get(_ENROLLED, {})
    enough = table.only(lambda course_id: (enrolled[course_id] or 0) >= visit.org.min_group_size)
    tables.put(visit, findings, enough, _GRADES)
    return findings
