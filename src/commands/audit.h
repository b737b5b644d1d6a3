// pleat audit: suspect labels.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "report/audit_run.h"

namespace CLI {
class App;
}

namespace pleat {

struct AuditOptions {
  AuditRequest request;
};

CLI::App* add_audit(CLI::App& program, AuditOptions& options);

/// Collective: every rank calls it, only rank 0 works.
/// Throws: UsageError, DataError.
ExitCode audit_verb(const AuditOptions& options, const Ranks& ranks);

}  // namespace pleat
