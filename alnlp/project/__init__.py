"""The one object that the API, the recipes and the workbench share."""

from alnlp.project.browsing import Answered, Found
from alnlp.project.project import Project
from alnlp.project.readout import Prediction
from alnlp.project.rounds import Round
from alnlp.project.selection import Amount, AskedExample, Batch
from alnlp.project.settings import Settings
from alnlp.project.suspects import Counterpart, Suspect, Suspects

__all__ = [
    "Amount",
    "Answered",
    "AskedExample",
    "Batch",
    "Counterpart",
    "Found",
    "Prediction",
    "Project",
    "Round",
    "Settings",
    "Suspect",
    "Suspects",
]
