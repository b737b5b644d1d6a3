#include "cluster/coordinator.h"

#include <time.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/stop_signal.h"
#include "base/stopwatch.h"
#include "cluster/failure.h"
#include "cluster/job_messages.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;
constexpr auto kLook = 2ms;  // between polls: far below a training step, far above a spinning wait

class LocalSource : public JobSource {
 public:
  LocalSource(JobBoard& board, int slot) : board_(board), slot_(slot) {}
  std::optional<JobOrder> next() override {
    for (;;) {
      JobBoard::Next next = board_.next(slot_);
      if (next.answer == JobBoard::Answer::kJob) return JobOrder{next.job, std::move(next.brief)};
      if (next.answer == JobBoard::Answer::kNoMore) return std::nullopt;
      std::this_thread::sleep_for(kLook);
    }
  }
  void finish(int job, const std::string& result) override { board_.finish(slot_, job, result); }
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
  std::optional<JobOrder> next() override {
    send(AskMessage{slot_});
    ReceivedMessage message;
    while (!poll_message(comm_, AnswerMessage::kTag, message)) std::this_thread::sleep_for(kLook);
    auto answer = from_bytes<AnswerMessage>(message.bytes);
    if (answer.job >= 0) return JobOrder{answer.job, std::move(answer.brief)};
    while (answer.stop_sent && !stop_) poll_stop();
    return std::nullopt;
  }
  void finish(int job, const std::string& result) override { send(FinishMessage{slot_, job, result}); }
  void fail(int job, ExitCode code, const std::string& message) override {
    send(FailMessage{slot_, job, code, message});
  }
  void stopped(int job) override { send(StoppedMessage{slot_, job}); }
  void progress(int job, const std::string& report) override { send(ProgressMessage{job, report}); }
  bool stop_requested() override {
    poll_stop();
    return stop_;
  }

 private:
  void poll_stop() {
    ReceivedMessage stop;
    stop_ = stop_ || poll_message(comm_, StopMessage::kTag, stop);
  }
  template <MessageStruct Message>
  void send(const Message& message) {
    send_message(comm_, 0, message);
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

  struct Asker {
    int rank, slot;
  };

  MPI_Comm comm;
  JobBoard& board;
  std::set<int> served;        // remote leaders that do not yet know that no job is left
  std::vector<Asker> waiting;  // asked while no job was ready
  bool stop_sent = false, end_passed_on = false;
  std::atomic<bool> closing = false;  // rank 0's own slot takes no more jobs
  std::int64_t messages = 0;
  std::thread thread;

  void run() {
    const Clock::time_point start = Clock::now();
    serve();
    timespec cpu{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    const double seconds = static_cast<double>(cpu.tv_sec) + 1e-9 * static_cast<double>(cpu.tv_nsec);
    spdlog::debug("the coordinator used {:.3f} s of CPU in {:.1f} s for {} messages", seconds, seconds_since(start),
                  messages);
  }

  void serve() {
    while (!served.empty() || !closing) {
      if (termination_signal_received() && !end_passed_on) {
        end_passed_on = true;
        board.terminating();
      }
      if (served.empty()) {  // only SIGTERM is left to watch
        std::this_thread::sleep_for(kLook);
        continue;
      }
      ReceivedMessage message;
      bool idle = true;
      while (poll_message(comm, message)) {
        handle(message);
        idle = false;
      }
      if (board.stopping() && !stop_sent) {
        for (const int rank : served) send_message(comm, rank, StopMessage{});
        stop_sent = true;
      }
      std::vector<Asker> asked;
      asked.swap(waiting);
      for (const Asker& asker : asked) answer(asker);
      if (idle) std::this_thread::sleep_for(kLook);
    }
  }

  void handle(const ReceivedMessage& message) {
    ++messages;
    switch (message.tag) {
      case JobTag::kAsk:
        return waiting.push_back({message.rank, from_bytes<AskMessage>(message.bytes).slot});
      case JobTag::kFinished: {
        const auto finished = from_bytes<FinishMessage>(message.bytes);
        return board.finish(finished.slot, finished.job, finished.result);
      }
      case JobTag::kFailed: {
        const auto failed = from_bytes<FailMessage>(message.bytes);
        return board.fail(failed.slot, failed.job, failed.code, failed.message);
      }
      case JobTag::kStopped: {
        const auto stopped = from_bytes<StoppedMessage>(message.bytes);
        return board.stopped(stopped.slot, stopped.job);
      }
      case JobTag::kProgress: {
        const auto progress = from_bytes<ProgressMessage>(message.bytes);
        return board.progress(progress.job, progress.report);
      }
      case JobTag::kAnswer:
      case JobTag::kStop:
        throw ClusterError("rank {} sent a message that only rank 0 sends", message.rank);
    }
  }

  void answer(const Asker& asker) {
    JobBoard::Next next = board.next(asker.slot);
    if (next.answer == JobBoard::Answer::kWait) return waiting.push_back(asker);
    send_message(comm, asker.rank, AnswerMessage{next.job, stop_sent, std::move(next.brief)});
    if (next.answer == JobBoard::Answer::kNoMore) served.erase(asker.rank);
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
