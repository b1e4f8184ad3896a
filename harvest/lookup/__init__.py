"""What outside sources know of a document: a number, an address or a title is understood, and asked of all of them.

    question = understand("978-2-211-04459-2")
    for answer in ask(question, sources(settings_row)):
        answer.label, answer.state, answer.records

Their answers are records (UNIMARC fields, the kind said); `catalogue.found` makes proposals for the form of them.
"""

from catalogue.found import Answer
from harvest.lookup.again import ask_again
from harvest.lookup.asking import LIMIT, ask
from harvest.lookup.authority import Candidate, idref, idref_record
from harvest.lookup.manners import Manners, manners
from harvest.lookup.questions import Question, understand
from harvest.lookup.table import HABITS, SETTING, LookupSource, sources
from harvest.lookup.trouble import Trouble

__all__ = [
    "HABITS",
    "LIMIT",
    "SETTING",
    "Answer",
    "Candidate",
    "LookupSource",
    "Manners",
    "Question",
    "Trouble",
    "ask",
    "ask_again",
    "idref",
    "idref_record",
    "manners",
    "sources",
    "understand",
]
