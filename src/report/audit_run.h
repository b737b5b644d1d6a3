// pleat audit: labels of a run that its out-of-fold predictions contradict.
#pragma once

#include <filesystem>

namespace pleat {

struct AuditRequest {
  std::filesystem::path run;    // finished
  std::filesystem::path out;    // the table; empty: label_issues.csv in the run's folder. The sheet beside it: .png
  std::filesystem::path crops;  // of the run; empty: where the run found them
};

/// Writes the suspect labels of all targets that have labels of their own, and prints how many there are. Where all
/// photos of a group have one label (a person's gender), the group is judged too, by all its photos. Apart from these:
/// copies with different labels, ambiguous photos, and outliers. With the crops, a sheet shows the first of each kind.
/// Format: docs/formats.md, label_issues.csv.
/// Throws: DataError if the run is not finished or damaged, or if the table cannot be written.
void audit_run(const AuditRequest& request);

}  // namespace pleat
