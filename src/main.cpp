// Entry point: parses the command line, runs the verb, and turns an exception into one line and an exit code.

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "base/build_info.h"
#include "base/config_node.h"
#include "base/error.h"
#include "base/log.h"
#include "base/run_log.h"
#include "base/stop_signal.h"
#include "cluster/failure.h"
#include "cluster/launch_command.h"
#include "cluster/mpi_session.h"
#include "commands/audit.h"
#include "commands/class_folders.h"
#include "commands/clean.h"
#include "commands/compare.h"
#include "commands/completion.h"
#include "commands/config.h"
#include "commands/doctor.h"
#include "commands/ensemble.h"
#include "commands/export.h"
#include "commands/init.h"
#include "commands/make_faces.h"
#include "commands/person_folders.h"
#include "commands/predict.h"
#include "commands/prepare.h"
#include "commands/report.h"
#include "commands/runs.h"
#include "commands/sweep.h"
#include "commands/train.h"

namespace pleat {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 2 usage or config, 3 data, 4 cluster or device, 5 done but some jobs failed, 75 stopped on "
    "request: run the same command to resume.";

/// The verbs and their parsed flags.
struct Program {
  CLI::App app{"Train image classifiers by cross-validation, on one machine or a cluster.", "pleat"};
  PrepareOptions prepare;
  TrainOptions train;
  SweepRequest sweep;
  PredictFlags predict;
  ExportOptions exported;
  EnsembleOptions ensemble;
  CompareOptions compare;
  AuditOptions audit;
  ReportOptions report;
  RunsOptions runs;
  CleanOptions clean;
  DoctorOptions doctor;
  MakeFacesOptions make_faces;
  PersonFolders person_folders;
  ClassFolders class_folders;
  ConfigOptions config;
  CompletionOptions completion;
  InitOptions init;
  std::function<ExitCode(MpiSession&)> chosen;

  Program() {
    app.require_subcommand(1);
    app.set_help_flag("-h,--help", "print this help");
    app.set_version_flag("--version", build_id(), "print the version");
    const auto add = [this](CLI::App* verb, auto run) { verb->callback([this, run] { chosen = run; }); };
    add(add_prepare(app, prepare), [this](MpiSession& session) { return prepare_verb(prepare, session.ranks()); });
    add(add_train(app, train), [this](MpiSession& session) { return train_verb(train, session); });
    add(add_sweep(app, sweep), [this](MpiSession& session) { return sweep_verb(sweep, session); });
    add(add_predict(app, predict), [this](MpiSession& session) { return predict_verb(predict, session); });
    add(add_export(app, exported), [this](MpiSession& session) { return export_verb(exported, session.ranks()); });
    add(add_make_faces(app, make_faces),
        [this](MpiSession& session) { return make_faces_verb(make_faces, session.ranks()); });
    add(add_person_folders(app, person_folders),
        [this](MpiSession& session) { return person_folders_verb(person_folders, session.ranks()); });
    add(add_class_folders(app, class_folders),
        [this](MpiSession& session) { return class_folders_verb(class_folders, session.ranks()); });
    add(add_ensemble(app, ensemble), [this](MpiSession& session) { return ensemble_verb(ensemble, session.ranks()); });
    add(add_compare(app, compare), [this](MpiSession& session) { return compare_verb(compare, session.ranks()); });
    add(add_audit(app, audit), [this](MpiSession& session) { return audit_verb(audit, session.ranks()); });
    add(add_report(app, report), [this](MpiSession& session) { return report_verb(report, session.ranks()); });
    add(add_runs(app, runs), [this](MpiSession& session) { return runs_verb(runs, session.ranks()); });
    add(add_clean(app, clean), [this](MpiSession& session) { return clean_verb(clean, session.ranks()); });
    add(add_doctor(app, doctor), [this](MpiSession& session) { return doctor_verb(doctor, session); });
    add(add_init(app, init), [this](MpiSession& session) { return init_verb(init, session.ranks()); });
    add(add_config(app, config),
        [this](MpiSession& session) { return session.rank() == 0 ? config_verb(config) : ExitCode::kDone; });
    add(add_completion(app, completion), [this](MpiSession& session) {
      return session.rank() == 0 ? completion_verb(app, completion) : ExitCode::kDone;
    });
    app.footer(kExitCodes);
    for (CLI::App* verb : app.get_subcommands({})) {
      const std::string own = verb->get_footer();
      verb->footer(own.empty() ? kExitCodes : own + "\n\n" + kExitCodes);
    }
  }
};

// Throws: UsageError on all ranks, since all of them parse the same flags.
[[noreturn]] void refuse(CLI::App& app, const CLI::ParseError& error) {
  if (const auto chosen = app.get_subcommands(); !chosen.empty()) {
    throw UsageError("{}; see `pleat {} --help`", error.what(), chosen.front()->get_name()).for_all_ranks();
  }
  const std::vector<std::string> unknown = app.remaining();
  const auto verb = std::find_if(unknown.begin(), unknown.end(), [](const auto& word) { return word[0] != '-'; });
  if (verb == unknown.end()) {
    throw UsageError("no verb given, and '{}' is not a flag of pleat; see `pleat --help`", fmt::join(unknown, " "))
        .for_all_ranks();
  }
  std::vector<std::string> verbs;
  for (const CLI::App* each : app.get_subcommands({})) verbs.push_back(each->get_name());
  const std::string near = nearest_name(*verb, verbs);
  throw UsageError("unknown verb '{}'; {}", *verb,
                   near.empty() ? "`pleat --help` lists the verbs"
                                : fmt::format("did you mean '{}'? `pleat --help` lists the verbs", near))
      .for_all_ranks();
}

ExitCode run(int argc, char** argv, const std::string& command, MpiSession& session) {
  Program program;
  if (argc < 2) {
    if (session.rank() == 0) std::fputs(program.app.help().c_str(), stderr);
    return ExitCode::kUsage;
  }
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) refuse(program.app, error);
    std::ostringstream text;
    program.app.exit(error, text, text);  // --help, --version
    if (session.rank() == 0) print_result(text.str());
    return ExitCode::kDone;
  }
  program.train.request.command = program.sweep.train.command = command;
  return program.chosen(session);
}

// A file that is opened later must not get the descriptor of a closed standard stream: log lines would go into it.
// Writing to a stream that was closed stays an error.
void hold_standard_descriptors() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) == -1) ::open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int pleat_main(int argc, char** argv) {
  hold_standard_descriptors();
  watch_for_stop_signals();  // first, so that a stop signal while MPI starts does not kill the process
  MpiSession session;
  start_log(session.launched() ? session.rank() : -1);
  const std::string command = launch_command(session.launcher(), session.size(), {argv, argv + argc}, ::geteuid() == 0);
  end_all_ranks_on_terminate(command);
  try {
    const ExitCode code = run(argc, argv, command, session);
    if (code == ExitCode::kDone) flush_output();
    return static_cast<int>(code);
  } catch (const Error& error) {
    if (!error.on_all_ranks() && session.size() > 1) end_all_ranks(error);
    const auto level = error.code() == ExitCode::kStopped ? spdlog::level::warn : spdlog::level::err;
    if (session.rank() == 0) spdlog::log(level, "{}", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    end_all_ranks(error);
  }
}

int exit_code_of(int argc, char** argv) {
  try {
    return pleat_main(argc, argv);
  } catch (const std::exception& error) {  // the session or the log did not start
    std::fprintf(stderr, "pleat: %s\n", error.what());
    return static_cast<int>(ExitCode::kCluster);
  }
}

}  // namespace
}  // namespace pleat

int main(int argc, char** argv) {
  const int code = pleat::exit_code_of(argc, argv);
#ifdef __SANITIZE_ADDRESS__
  return code;  // looks for leaks at exit
#else
  std::fflush(nullptr);
  std::_Exit(code);  // LibTorch's destructors take 0.1 s, a fifth of a short command, to free memory
#endif
}
