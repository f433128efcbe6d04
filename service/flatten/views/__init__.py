"""SQL on FHIR v2: a ViewDefinition and NDJSON in, a table out. https://sql-on-fhir.org/ig/2.0.0/"""

from service.flatten.views.definition import Definition, read_definition
from service.flatten.views.request import Request, flatten_view
from service.flatten.views.runner import Flattened, run_view, write_view
from service.flatten.views.view import View, compile_view

__all__ = [
    "Definition",
    "Flattened",
    "Request",
    "View",
    "compile_view",
    "flatten_view",
    "read_definition",
    "run_view",
    "write_view",
]
