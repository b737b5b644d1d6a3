"""Figures and their targets: printed immediately, kept as JSON, and written as a Markdown table at the end."""
import dataclasses
import json
import typing

SIGNS = {"×": "{:.2f} ×", "%": "{:.2f} %", "MB": "{:.0f} MB", "s": "{:.2f} s", "": "{:+.4f}"}


class Target(typing.NamedTuple):
    """Bound of a figure; equality is allowed."""

    sign: str
    bound: float

    def met_by(self, value):
        return value >= self.bound if self.sign == "≥" else value <= self.bound


def at_least(bound):
    return Target("≥", bound)


def at_most(bound):
    return Target("≤", bound)


@dataclasses.dataclass
class Figure:
    """One line of the report."""

    name: str
    value: float
    unit: str  # one of SIGNS
    target: Target | None = None  # None: for information only
    pleat: str = ""  # pleat's measurement in words
    peer: str = ""  # the peer's measurement in words

    def shown(self, value):
        return SIGNS[self.unit].format(value)

    def shown_target(self):
        return f"{self.target.sign} {self.shown(self.target.bound)}" if self.target else "–"

    def verdict(self):
        if not self.target:
            return ""
        return "met" if self.target.met_by(self.value) else "not met"


class Report:
    """All figures of a run. The files are updated after each case, in case a later one fails."""

    def __init__(self, machine, out):
        self.machine, self.out = machine, out
        self.figures, self.raw, self.notes = [], {}, []  # figures: (case, Figure)

    def add(self, case, figure):
        self.figures.append((case, figure))
        words = "; ".join(part for part in (figure.pleat, figure.peer) if part)
        judged = f"target {figure.shown_target()}: {figure.verdict()}" if figure.target else "for information"
        print(f"{case}: {figure.name}: {figure.shown(figure.value)}   {judged}{words and f'   ({words})'}", flush=True)

    def note(self, case, text):
        self.notes.append(f"{case}: {text}")
        print(self.notes[-1], flush=True)

    def all_met(self):
        return all(figure.verdict() != "not met" for _, figure in self.figures)

    def write(self):
        lines = [{"case": case, **dataclasses.asdict(figure), "verdict": figure.verdict(),
                  "target": figure.target and figure.target._asdict()} for case, figure in self.figures]
        whole = {"machine": self.machine, "figures": lines, "notes": self.notes, "raw": self.raw}
        self.out.write_text(json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        self.out.with_suffix(".md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self):
        m = self.machine
        lines = [f"Measured on {m['cores']} cores of {m['cpu']} ({', '.join(m['flags']) or 'neither bf16 flag'}), torch {m['torch']}, "
                 f"{m['pleat']}, {m['date']}; load average before: {m['load_before']}.", "",
                 "| | figure | pleat | compared with | measured | target | |", "| --- | --- | --- | --- | --- | --- | --- |"]
        shown = ""
        for case, f in self.figures:
            lines.append(f"| {'' if case == shown else case} | {f.name} | {f.pleat} | {f.peer} | {f.shown(f.value)} | {f.shown_target()} | {f.verdict()} |")
            shown = case
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"
