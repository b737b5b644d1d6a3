// pleat report: a run as one HTML page and as Markdown.
#pragma once

#include <filesystem>

namespace pleat {

struct ReportRequest {
  std::filesystem::path run;    // of a run, a sweep or an ensemble of runs; need not be finished
  std::filesystem::path out;    // page; empty: report.html in the folder. The Markdown is beside it, ending in .md
  std::filesystem::path crops;  // of the run; empty: where the run found them
};

/// Writes the page and the Markdown. Parts of the run that are missing or damaged are named in them, and in warnings.
/// Throws: DataError if the folder does not hold a run, or if a file cannot be written or would overwrite another kind
/// of file.
void report_run(const ReportRequest& request);

/// Writes the report at the end of a run. A failure costs a warning.
void report_finished_run(const std::filesystem::path& run);

}  // namespace pleat
