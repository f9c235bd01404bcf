"""Do-not-call lists: reading the registries' files, keeping millions of numbers as bits, looking numbers up.

Pure: folders in, answers out. Not here: whose list it is, under which licence, and how old it may be (`clearance`).
"""

from leadflow_pipelines.compliance.do_not_call.bit_sets import BitSets, open_bit_sets, publish_bit_sets
from leadflow_pipelines.compliance.do_not_call.change_lists import read_changes
from leadflow_pipelines.compliance.do_not_call.full_lists import read_full
from leadflow_pipelines.compliance.do_not_call.list_files import Fault, Reading
from leadflow_pipelines.compliance.do_not_call.registry_lists import ListVersion, RegistryLists, national_numbers

__all__ = [
    "BitSets",
    "Fault",
    "ListVersion",
    "Reading",
    "RegistryLists",
    "national_numbers",
    "open_bit_sets",
    "publish_bit_sets",
    "read_changes",
    "read_full",
]
