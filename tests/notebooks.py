"""A notebook of a researcher's that asks for a release, run in a session's own sandbox."""

from __future__ import annotations

from pathlib import Path

import nbformat

from enclave.app import Enclave
from enclave.sandbox import Bubblewrap, SandboxSpec, python

CELLS = [
    "import p20kit\nproject = p20kit.open_project()\nstudents = project.frame('sde')",
    "students['School'] = students['LastReportingSchoolName'].astype('str').str.len() > 20\n"
    "students['School'] = students['School'].map({True: 'long name', False: 'short name'})",
    "table = p20kit.tabulate(students, ['School', 'ManufacturingStudent'],\n"
    "    [p20kit.Count(), p20kit.Rate('IsExitTypeGraduated', 'Y')], name='schools',\n"
    "    sources={'ManufacturingStudent': 'sde.ManufacturingStudent',\n"
    "             'IsExitTypeGraduated': 'sde.IsExitTypeGraduated'})\n"
    "protected = p20kit.protect(table, project.policy)\n"
    "drawn = p20kit.chart(protected, x='School', colour='ManufacturingStudent')",
    "p20kit.request_release(protected, charts=[drawn], title='By length of name', report='cumulative',\n"
    "    questions=['RQ1'], audience='public', population='all students', methods=['complementary suppression'])",
]
"""Code that derives a column: only running it again shows what the column is."""


def asked(enclave: Enclave, person: str, project: str, cells: list[str]) -> Path:
    """Run cells in a person's session, which stays open; give the outbox they leave."""
    session = enclave.broker().admit(person, project)
    home = session.folder / "home"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, home / "ask.ipynb")
    command = (python(), "-m", "p20kit.runner", "/home/analyst/ask.ipynb", "--out", "/home/analyst/out")
    log = enclave.settings.home.parent / "sandbox.log"
    with log.open("wb") as out:
        spec = SandboxSpec(session.name, command, session.mounts)
        sandbox = Bubblewrap(enclave.settings.runtime).start(spec, stdout=out, stderr=out)
        assert sandbox.wait() == 0, log.read_text("utf-8")
    return home / "outbox"
