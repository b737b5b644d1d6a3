"""What a case is handed: where it may write, how much it should take, and the report."""
import dataclasses
import pathlib
import tempfile

import report


@dataclasses.dataclass
class Bench:
    scratch: pathlib.Path  # removed afterwards
    data: pathlib.Path | None  # photos are kept there for later runs; none: in scratch
    preset: pathlib.Path  # config of time_to_score
    epochs: int  # of time_to_score's peer
    photos: int  # of the cases that start from photos
    quick: bool  # smaller data, one turn: to try it out, not to judge by
    rounds: int | None  # turns of each case; none: as each thinks fit
    report: report.Report
    case: str = ""  # that runs now

    def turns(self, usual):
        return self.rounds or (1 if self.quick else usual)

    def folder(self):
        """A new one."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.scratch))

    def figure(self, name, value, unit, target=None, pleat="", peer=""):
        self.report.add(self.case, report.Figure(name, value, unit, target, pleat, peer))

    def note(self, text):
        self.report.note(self.case, text)

    def keep(self, name, results):
        """Raw results, for bench.json."""
        self.report.raw.setdefault(self.case, {})[name] = results
