// pleat doctor: what ranks, cores, devices and libraries a run would have here, and what is wrong with them.
#pragma once

#include <string>

#include "cluster/mpi_session.h"

namespace CLI {
class App;
}

namespace pleat {

struct DoctorOptions {
  std::string run;  // a run folder that all ranks must see; empty: not looked at
};

CLI::App* add_doctor(CLI::App& program, DoctorOptions& options);

/// Rank 0 prints the report. Returns an exit code: 0 also with warnings; kCluster if a run could not work so.
int run_doctor(const DoctorOptions& options, MpiSession& session);

}  // namespace pleat
