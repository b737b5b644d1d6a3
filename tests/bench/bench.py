"""Arguments of a benchmark case: folders, sizes and the report."""
import dataclasses
import pathlib
import tempfile

import report


@dataclasses.dataclass
class Bench:
    scratch: pathlib.Path  # removed afterwards
    data: pathlib.Path | None  # keeps the photos for later runs; None: photos are in scratch
    preset: pathlib.Path  # pleat's config for time_to_score
    epochs: int  # epochs of the peer in time_to_score
    photos: int  # number of photos for cases that start from photos
    quick: bool  # smaller data and one turn, only to try the benchmark
    rounds: int | None  # turns of each case; None: the case's default
    report: report.Report
    case: str = ""  # name of the running case

    def turns(self, usual):
        return self.rounds or (1 if self.quick else usual)

    def folder(self):
        """A new folder."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.scratch))

    def figure(self, name, value, unit, target=None, pleat="", peer=""):
        self.report.add(self.case, report.Figure(name, value, unit, target, pleat, peer))

    def note(self, text):
        self.report.note(self.case, text)

    def keep(self, name, results):
        """Keeps raw results for bench.json."""
        self.report.raw.setdefault(self.case, {})[name] = results
