"""Every scenario of the table."""

from typing import Final

from tests.core.identity_table.rows_arguments import ARGUMENTS
from tests.core.identity_table.rows_classes import CLASSES
from tests.core.identity_table.rows_data import DATA
from tests.core.identity_table.rows_files import FILES
from tests.core.identity_table.rows_functions import FUNCTIONS
from tests.core.identity_table.rows_harmless import HARMLESS
from tests.core.identity_table.rows_helpers import HELPERS
from tests.core.identity_table.rows_imports import IMPORTS
from tests.core.identity_table.rows_late import LATE
from tests.core.identity_table.rows_modules import MODULES
from tests.core.identity_table.rows_objects import OBJECTS
from tests.core.identity_table.rows_options import OPTIONS
from tests.core.identity_table.rows_packages import PACKAGES
from tests.core.identity_table.rows_reads import READS
from tests.core.identity_table.rows_scalars import SCALARS
from tests.core.identity_table.rows_store import STORE
from tests.core.identity_table.rows_tasks import TASKS
from tests.core.identity_table.rows_wrapped import WRAPPED
from tests.core.identity_table.scenario import Scenario

CASES: Final[tuple[Scenario, ...]] = (
    *FUNCTIONS,
    *HELPERS,
    *WRAPPED,
    *HARMLESS,
    *CLASSES,
    *MODULES,
    *IMPORTS,
    *TASKS,
    *LATE,
    *ARGUMENTS,
    *SCALARS,
    *DATA,
    *OBJECTS,
    *FILES,
    *READS,
    *OPTIONS,
    *PACKAGES,
    *STORE,
)
