// pleat doctor: shows the ranks, cores, devices and libraries that a run would use here, and warns of problems.
#pragma once

#include <string>

#include "base/error.h"
#include "cluster/mpi_session.h"

namespace CLI {
class App;
}

namespace pleat {

struct DoctorOptions {
  std::string run;  // run folder that all ranks should see; empty: no check
};

CLI::App* add_doctor(CLI::App& program, DoctorOptions& options);

/// Prints the report on rank 0. Returns 0, also with warnings.
/// Collective: every rank calls it.
/// Throws: DataError if the run folder cannot be written.
ExitCode doctor_verb(const DoctorOptions& options, MpiSession& session);

}  // namespace pleat
