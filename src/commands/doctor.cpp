#include "commands/doctor.h"

#include <ATen/Version.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/build_info.h"
#include "base/error.h"
#include "base/module_file.h"
#include "base/run_log.h"
#include "cluster/host.h"
#include "cluster/rank_layout.h"
#include "cluster/rank_report.h"
#include "data_tools/photos/photo_libraries.h"
#include "data_tools/prepare/face_finder.h"

namespace pleat {
namespace {

using Row = std::vector<std::string>;

/// Rows with aligned columns, each after two spaces.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("  {:<{}}", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string version(text, static_cast<std::size_t>(length));
  return version.substr(0, version.find_first_of(",\n"));
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

/// "3.11.3" from "Intel(R) MKL-DNN v3.11.3 (Git Hash ...)".
std::string onednn_version() {
  const std::string text = at::get_mkldnn_version();
  const std::size_t from = text.find(" v");
  if (from == std::string::npos) return "none";
  return text.substr(from + 2, text.find(' ', from + 2) - from - 2);
}

/// The face detector that `prepare --crop face` uses by default, or the reason why it does not work, which is a problem
/// too.
std::string face_detector(std::vector<std::string>& problems) {
  try {
    const std::filesystem::path cascade = default_face_detector();
    make_face_finder(cascade);
    return "cascade " + cascade.string();
  } catch (const Error& error) {
    if (module_fault(kFaceModule).empty()) problems.push_back(error.what());  // else every rank reports it
    return fmt::format("none: {}", error.what());
  }
}

std::string libraries(std::vector<std::string>& problems) {
  std::vector<Row> rows{{"pleat", build_id()},    {"LibTorch", TORCH_VERSION}, {"oneDNN", onednn_version()},
                        {"NCCL", nccl_version()}, {"MPI", mpi_version()},      {"HDF5", hdf5_version()}};
  for (const auto& [name, version] : library_versions()) rows.push_back({name, version});
  rows.push_back({"faces", face_detector(problems)});
  return table(rows);
}

/// device: index, or -1 for CPU.
std::string device_of(const RankReport& report, int device) {
  if (device < 0) return report.devices.empty() ? "cpu" : fmt::format("cpu (sees {} CUDA)", report.devices.size());
  return fmt::format("cuda:{} of {} ({})", device, report.devices.size(),
                     report.devices.at(static_cast<std::size_t>(device)));
}

/// shared: for each rank, the number of cores that all ranks of its host may use together.
std::string ranks_table(const std::vector<RankReport>& reports, const MpiSession& session,
                        const std::vector<int>& shared) {
  const RankLayout layout =
      make_layout({.world_size = session.size(), .hosts = session.hosts(), .devices = device_choice(reports).devices});
  std::vector<Row> rows{{"rank", "host", "on host", "bound to cores", "usable", "of", "threads", "CPU", "device"}};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const RankReport& report = reports[i];
    const RankPlace& place = layout.ranks[i];
    const bool free = static_cast<int>(report.cores.size()) == report.online_cores;
    rows.push_back({std::to_string(report.rank), report.host, fmt::format("{}/{}", place.local_rank, place.local_size),
                    core_list(report.cores) + (free ? " (all)" : ""), std::to_string(report.usable_cores),
                    std::to_string(report.online_cores), std::to_string(std::max(1, shared[i] / place.local_size)),
                    report.cpu, device_of(report, place.device)});
  }
  return table(rows);
}

/// Lists the ranks that do not see rank 0's run folder, with their hosts.
std::string unseen_by(const std::vector<bool>& seen, const MpiSession& session) {
  std::vector<std::string> blind;
  for (std::size_t rank = 0; rank < seen.size(); ++rank) {
    if (!seen[rank]) blind.push_back(fmt::format("{} (host {})", rank, session.hosts()[rank]));
  }
  return fmt::format("{}", fmt::join(blind, ", "));
}

}  // namespace

CLI::App* add_doctor(CLI::App& program, DoctorOptions& options) {
  CLI::App* verb =
      program.add_subcommand("doctor", "Show ranks, cores, devices and libraries, and warn about problems");
  verb->add_option("--run", options.run, "check that all ranks see this run folder (it need not exist)")
      ->type_name("DIR");
  verb->footer("Use the same mpirun options as for the run: mpirun -n 4 --bind-to none pleat doctor --run runs/faces");
  return verb;
}

ExitCode doctor_verb(const DoctorOptions& options, MpiSession& session) {
  const Ranks ranks = session.ranks();
  const auto mine = measure_rank(session.rank(), session.hosts()[static_cast<std::size_t>(session.rank())]);
  const std::vector<RankReport> reports = gather_reports(ranks, mine);
  const std::vector<int> shared = gather(ranks, shared_cores(ranks, session.hosts()));
  std::vector<std::string> problems = find_problems(reports, session.launched());
  std::string blind;
  bool there = false;  // set before who_sees, which creates the folder for a moment
  if (!options.run.empty()) {
    std::error_code unreadable;
    there = std::filesystem::exists(options.run, unreadable);
    blind = unseen_by(who_sees(options.run, ranks), session);
    if (!blind.empty()) {
      problems.push_back(
          fmt::format("{}: these ranks do not see rank 0's run folder: {}; their results still reach rank 0, but an "
                      "unfinished job starts over if another host resumes it; put the run folder on a file system "
                      "that all hosts mount",
                      options.run, blind));
    }
  }
  if (session.rank() == 0) {
    const std::string versions = libraries(problems);
    std::string text =
        fmt::format("Libraries\n{}\nRanks ({})\n{}\nFindings\n", versions,
                    session.launched() ? fmt::format("{} under a launcher", session.size()) : "one, without a launcher",
                    ranks_table(reports, session, shared));
    for (const std::string& problem : problems) text += fmt::format("  WARNING  {}\n", problem);
    if (problems.empty()) text += "  ok       nothing is wrong\n";
    if (!options.run.empty() && !there) {
      text += fmt::format("  ok       {} does not exist yet, which is fine for a new run\n", options.run);
    }
    if (!options.run.empty() && blind.empty()) {
      text += fmt::format("  ok       every rank {} {}\n", there ? "sees" : "would see", options.run);
    }
    print_result(text);
  }
  return ExitCode::kDone;
}

}  // namespace pleat
