#include "cluster/coordinator.h"

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "base/log.h"
#include "base/stop_signal.h"
#include "cluster/failure.h"
#include "cluster/job_messages.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;
constexpr auto kLook = 2ms;  // between looks for messages: far below a training step, far above a spinning wait

class LocalSource : public JobSource {
 public:
  LocalSource(JobBoard& board, int slot) : board_(board), slot_(slot) {}
  std::optional<int> next() override {
    for (;;) {
      const JobBoard::Next next = board_.next(slot_);
      if (next.answer == JobBoard::Answer::kJob) return next.job;
      if (next.answer == JobBoard::Answer::kNoMore) return std::nullopt;
      std::this_thread::sleep_for(kLook);
    }
  }
  void finish(int job, const std::vector<std::string>& result) override { board_.finish(slot_, job, result); }
  void fail(int job, ExitCode code, const std::string& message) override { board_.fail(slot_, job, code, message); }
  void stopped(int job) override { board_.stopped(slot_, job); }
  void progress(int job, const std::string& report) override { board_.progress(job, report); }
  bool stop_requested() override { return board_.stopping(); }

 private:
  JobBoard& board_;
  int slot_;
};

class RemoteSource : public JobSource {
 public:
  RemoteSource(MPI_Comm comm, int slot) : comm_(comm), slot_(slot) {}
  std::optional<int> next() override {
    send(JobTag::kAsk, {});
    JobMessage answer;
    while (!poll_message(comm_, JobTag::kAnswer, answer)) std::this_thread::sleep_for(kLook);
    const int job = std::stoi(answer.parts.at(0));
    if (job >= 0) return job;
    // No message may be left on its way when MPI ends: the answer says whether a stop was sent before it.
    while (answer.parts.at(1) == "stop sent" && !stop_) poll_stop();
    return std::nullopt;
  }
  void finish(int job, const std::vector<std::string>& result) override { send(JobTag::kFinished, job, result); }
  void fail(int job, ExitCode code, const std::string& message) override {
    send(JobTag::kFailed, job, {std::to_string(static_cast<int>(code)), message});
  }
  void stopped(int job) override { send(JobTag::kStopped, job, {}); }
  void progress(int job, const std::string& report) override { send(JobTag::kProgress, job, {report}); }
  bool stop_requested() override {
    poll_stop();
    return stop_;
  }

 private:
  void poll_stop() {
    JobMessage stop;
    stop_ = stop_ || poll_message(comm_, JobTag::kStop, stop);
  }
  void send(JobTag tag, std::vector<std::string> parts) {
    parts.insert(parts.begin(), std::to_string(slot_));
    send_message(comm_, {tag, 0, std::move(parts)});
  }
  void send(JobTag tag, int job, std::vector<std::string> parts) {
    parts.insert(parts.begin(), std::to_string(job));
    send(tag, std::move(parts));
  }
  MPI_Comm comm_;
  int slot_;
  bool stop_ = false;
};

}  // namespace

std::unique_ptr<JobSource> make_local_source(JobBoard& board, int slot) {
  return std::make_unique<LocalSource>(board, slot);
}

std::unique_ptr<JobSource> make_remote_source(MPI_Comm comm, int slot) {
  return std::make_unique<RemoteSource>(comm, slot);
}

struct Coordinator::Impl {
  Impl(MPI_Comm comm, JobBoard& board) : comm(comm), board(board) {}

  MPI_Comm comm;
  JobBoard& board;
  std::set<int> served;             // ranks of remote leaders that were not told yet that there is no more
  std::vector<JobMessage> waiting;  // asked while nothing was pending
  bool stop_sent = false, end_told = false;
  std::atomic<bool> closing = false;  // rank 0's own slot has taken its last job
  std::thread thread;

  void run() {
    while (!served.empty() || !closing) {
      if (termination_signal_received() && !end_told) {
        end_told = true;
        board.told_to_end();
      }
      if (served.empty()) {  // all that is left to do is to look for that signal
        std::this_thread::sleep_for(kLook);
        continue;
      }
      JobMessage message;
      bool idle = true;
      while (poll_message(comm, message)) {
        handle(message);
        idle = false;
      }
      if (board.stopping() && !stop_sent) {
        for (const int rank : served) send_message(comm, {JobTag::kStop, rank, {}});
        stop_sent = true;
      }
      std::vector<JobMessage> asked;
      asked.swap(waiting);
      for (const JobMessage& ask : asked) answer(ask);
      if (idle) std::this_thread::sleep_for(kLook);
    }
  }

  void handle(const JobMessage& message) {
    const auto& parts = message.parts;
    if (message.tag == JobTag::kAsk) return waiting.push_back(message);
    const int slot = std::stoi(parts.at(0)), job = std::stoi(parts.at(1));
    if (message.tag == JobTag::kFinished) board.finish(slot, job, {parts.begin() + 2, parts.end()});
    if (message.tag == JobTag::kFailed)
      board.fail(slot, job, static_cast<ExitCode>(std::stoi(parts.at(2))), parts.at(3));
    if (message.tag == JobTag::kStopped) board.stopped(slot, job);
    if (message.tag == JobTag::kProgress) board.progress(job, parts.at(2));
  }

  void answer(const JobMessage& ask) {
    const JobBoard::Next next = board.next(std::stoi(ask.parts.at(0)));
    if (next.answer == JobBoard::Answer::kWait) return waiting.push_back(ask);
    send_message(comm, {JobTag::kAnswer, ask.rank, {std::to_string(next.job), stop_sent ? "stop sent" : ""}});
    if (next.answer == JobBoard::Answer::kNoMore) served.erase(ask.rank);
  }
};

Coordinator::Coordinator(MPI_Comm comm, const RankLayout& layout, JobBoard& board)
    : impl_(std::make_unique<Impl>(comm, board)) {
  for (int slot = 1; slot < layout.slots; ++slot) impl_->served.insert(layout.leader(slot));
  impl_->thread = std::thread([this] {
    try {
      impl_->run();
    } catch (const std::exception& error) {  // the leaders would wait for ever
      const LogContext where("serving the slots");
      end_all_ranks(error);
    }
  });
}

Coordinator::~Coordinator() {
  impl_->closing = true;
  impl_->thread.join();
}

}  // namespace pleat
