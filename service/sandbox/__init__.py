"""An embedded FHIR R4 server with synthetic patients: for the demo, the tests and the benchmarks."""

from service.sandbox.app import create_app
from service.sandbox.faults import Faults
from service.sandbox.population import POPULATION_AS_OF, generate
from service.sandbox.server import Sandbox, running, serve
from service.sandbox.store import Store
from service.sandbox.witness import Before, Served

__all__ = [
    "POPULATION_AS_OF",
    "Before",
    "Faults",
    "Sandbox",
    "Served",
    "Store",
    "create_app",
    "generate",
    "running",
    "serve",
]
