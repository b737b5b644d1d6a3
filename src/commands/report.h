// pleat report.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "report/report_run.h"

namespace CLI {
class App;
}

namespace pleat {

struct ReportOptions {
  ReportRequest request;
};

CLI::App* add_report(CLI::App& program, ReportOptions& options);
ExitCode report_verb(const ReportOptions& options, const Ranks& ranks);

}  // namespace pleat
