"""Every template is compiled and executed for real; a file that is added is tested as well."""

import pytest

from compiler.templates.library import templates
from tests.actors.templates import data_cases, event_cases, people_cases, web_cases  # noqa: F401
from tests.actors.templates.cases import CASES
from tests.actors.templates.world import World

pytestmark = pytest.mark.timeout(120)


@pytest.mark.requirement("FR-1.9")
@pytest.mark.parametrize("template_id", templates())
async def test_a_template_does_what_it_says(template_id: str, world: World) -> None:
    """It ends well, and the world looks as its case says."""
    assert template_id in CASES, f"Say in cases.py what {template_id} has to do."
    await CASES[template_id](world)


def test_no_case_is_left_of_a_template_that_went() -> None:
    """Each case belongs to a template."""
    assert set(CASES) == set(templates())
