// The program: parses the verb's flags, calls it, and turns what is thrown into one line and an exit code.

#include <CLI/CLI.hpp>
#include <functional>

#include "base/build_info.h"
#include "base/error.h"
#include "base/log.h"
#include "base/stop_signal.h"
#include "cluster/mpi_session.h"
#include "commands/config.h"
#include "commands/doctor.h"
#include "commands/predict.h"
#include "commands/prepare.h"
#include "commands/train.h"

namespace pleat {
namespace {

/// The verbs and what their flags were.
struct Program {
  CLI::App app{"Trains image classifiers by folds, on one machine or a cluster.", "pleat"};
  PrepareOptions prepare;
  TrainRequest train;
  PredictRequest predict;
  DoctorOptions doctor;
  ConfigOptions config;
  std::function<ExitCode(MpiSession&)> chosen;

  Program() {
    app.require_subcommand(1);
    app.set_version_flag("--version", build_id());
    app.footer(
        "Exit codes: 0 done, 2 usage or config, 3 data, 4 cluster or device, 5 done but some jobs failed, 75 stopped "
        "on request.");
    const auto add = [this](CLI::App* verb, auto run) { verb->callback([this, run] { chosen = run; }); };
    add(add_prepare(app, prepare),
        [this](MpiSession& session) { return static_cast<ExitCode>(run_prepare(prepare, session.ranks())); });
    add(add_train(app, train), [this](MpiSession& session) { return run_train(train, session); });
    add(add_predict(app, predict), [this](MpiSession& session) { return run_predict(predict, session); });
    add(add_doctor(app, doctor),
        [this](MpiSession& session) { return static_cast<ExitCode>(run_doctor(doctor, session)); });
    add(add_config(app, config),
        [this](MpiSession& session) { return session.rank() == 0 ? run_config(config) : ExitCode::kDone; });
  }
};

// The words that started this rank, with the launcher's part as far as a rank can know it.
std::string command_line(int argc, char** argv, const MpiSession& session) {
  std::string text = session.launched() ? fmt::format("mpirun -n {} ", session.size()) : "";
  for (int i = 0; i < argc; ++i) text += (i ? " " : "") + std::string(argv[i]);
  return text;
}

ExitCode run(int argc, char** argv, MpiSession& session) {
  Program program;
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;  // --help, --version
    if (session.rank() == 0) program.app.exit(error);
    return asked ? ExitCode::kDone : ExitCode::kUsage;
  }
  program.train.command = command_line(argc, argv, session);
  return program.chosen(session);
}

int pleat_main(int argc, char** argv) {
  MpiSession session;
  start_log(session.launched() ? session.rank() : -1);
  watch_for_stop_signals();
  try {
    return static_cast<int>(run(argc, argv, session));
  } catch (const Error& error) {
    const auto level = error.code() == ExitCode::kStopped ? spdlog::level::warn : spdlog::level::err;
    if (!error.on_all_ranks() || session.rank() == 0) spdlog::log(level, "{}", error.what());
    if (!error.on_all_ranks() && session.size() > 1) session.abort(static_cast<int>(error.code()));
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    spdlog::critical("internal error, please report it: {}", error.what());
    session.abort(static_cast<int>(ExitCode::kCluster));
  }
}

}  // namespace
}  // namespace pleat

int main(int argc, char** argv) {
  try {
    return pleat::pleat_main(argc, argv);
  } catch (const std::exception& error) {  // before there was a session or a log
    std::fprintf(stderr, "pleat: %s\n", error.what());
    return static_cast<int>(pleat::ExitCode::kCluster);
  }
}
