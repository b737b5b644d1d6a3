// Drives a fuzz target with mutated files. The same seed gives the same files. Needs a compiler with the sanitizers.
//   fuzz_X mutate SEEDS COUNT [SEED]   COUNT inputs of each kind of file in the folder SEEDS; a file's kind is its name
//                                      before the first '-' or '.'. Inputs that cause a fault are saved.
//   fuzz_X run FILE...                 the given files, unchanged
// FUZZ_FAULTS: the folder for saved inputs (default: the current one). FUZZ_SECONDS, FUZZ_MEGABYTES: the limits of one
// input.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include "mutations.h"
#include "one_input.h"
#include "reader_outcome.h"
#include "support/scratch_folder.h"
#include "watched_run.h"

// Targets that correct checksums after a change define this function, as for libFuzzer.
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                                                     std::size_t most, unsigned seed);

namespace pleat::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr int kMostFaults = 5;  // further ones rarely show anything new
Mutator* current = nullptr;     // the one that LLVMFuzzerMutate uses

struct Kind {
  std::string name;
  std::vector<Bytes> seeds;
};

Bytes read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) throw std::runtime_error("cannot read " + path.string());
  if (bytes.size() > kMostInput) throw std::runtime_error(path.string() + " is larger than any input");
  return bytes;
}

// Sorts by name, so that the folder's order does not matter.
std::vector<Kind> read_seeds(const fs::path& folder) {
  std::map<std::string, std::map<std::string, Bytes>> kinds;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    kinds[name.substr(0, name.find_first_of("-."))][name] = read_bytes(entry.path());
  }
  if (kinds.empty() || kinds.size() > kMostKinds)
    throw std::runtime_error(
        fmt::format("{} has {} kinds of seeds, expected 1 to {}", folder.string(), kinds.size(), kMostKinds));
  std::vector<Kind> all;
  for (auto& [name, files] : kinds) {
    all.push_back({.name = name});
    for (auto& [ignored, bytes] : files) all.back().seeds.push_back(std::move(bytes));
  }
  return all;
}

// An input depends only on `seed` and its index, so that a run can continue after any input.
Bytes make_input(const Kind& kind, std::uint64_t seed, std::size_t index) {
  Mutator mutator(kind.seeds, seed * 1'000'003 + index);
  Bytes input = kind.seeds[mutator.below(kind.seeds.size())];
  if (LLVMFuzzerCustomMutator == nullptr) {
    mutator.mutate(input, kMostInput);
    return input;
  }
  const std::size_t size = input.size();
  input.resize(kMostInput);
  current = &mutator;
  input.resize(LLVMFuzzerCustomMutator(input.data(), size, kMostInput, static_cast<unsigned>(mutator.below(1U << 31))));
  return input;
}

// Runs an input and counts the outcome in the record.
void run_and_count(const Bytes& input, std::size_t index, std::size_t kind, const Limits& limits, Record& record) {
  record.index = index;
  record.hold(input);
  const Outcomes before = outcomes();
  const auto start = std::chrono::steady_clock::now();
  run_one_input(input, limits);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  record.slowest = std::max(record.slowest, seconds.count());
  record.tallies[kind].accepted += outcomes().accepted - before.accepted;
  record.tallies[kind].refused += outcomes().refused - before.refused;
}

fs::path save(const Bytes& input, const std::string& name) {
  const char* folder = std::getenv("FUZZ_FAULTS");
  const fs::path path = fs::absolute(folder != nullptr ? folder : ".") / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  return path;
}

void print_totals(const std::string& program, const std::vector<Kind>& kinds, const Record& record, int faults,
                  double seconds) {
  Outcomes all;
  std::vector<std::string> each;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const Tally& tally = record.tallies[i];
    all.accepted += tally.accepted;
    all.refused += tally.refused;
    each.push_back(fmt::format("{} {}+{}", kinds[i].name, tally.accepted, tally.refused));
  }
  fmt::print("{}: accepted {}, refused {}, faults {} ({}); {:.1f} s, slowest input {:.2f} s\n", program, all.accepted,
             all.refused, faults, fmt::join(each, ", "), seconds, record.slowest);
}

int mutate(const std::string& program, const fs::path& folder, std::size_t count, std::uint64_t seed,
           const Limits& limits) {
  const std::vector<Kind> kinds = read_seeds(folder);
  const std::size_t all = count * kinds.size();
  const auto start = std::chrono::steady_clock::now();
  WatchedRun watched;
  int faults = 0;
  for (std::size_t next = 0; next < all && faults < kMostFaults; next = watched.record().index + 1) {
    const std::string fault = watched.run([&](Record& record) {
      for (std::size_t i = next; i < all; ++i)
        run_and_count(make_input(kinds[i / count], seed, i), i, i / count, limits, record);
    });
    if (fault.empty()) break;
    ++faults;
    const Record& record = watched.record();
    const std::string& kind = kinds[record.index / count].name;
    const fs::path saved = save(record.held(), fmt::format("{}-{}-{}-{}", program, kind, seed, record.index));
    fmt::print("{}: {}: {}; again by: {} run {}\n", program,
               record.done ? "after the last input" : "input " + saved.filename().string(), fault, program,
               saved.string());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_totals(program, kinds, watched.record(), faults, seconds.count());
  return faults == 0 ? 0 : 1;
}

int run_files(std::span<char*> files, const Limits& limits) {
  WatchedRun watched;
  int faults = 0;
  for (const char* file : files) {
    const Bytes input = read_bytes(file);
    watched.record().tallies[0] = {};
    const std::string fault = watched.run([&](Record& record) { run_and_count(input, 0, 0, limits, record); });
    faults += fault.empty() ? 0 : 1;
    fmt::print("{}: {}\n", file,
               !fault.empty()                             ? fault
               : watched.record().tallies[0].accepted > 0 ? "accepted"
                                                          : "refused");
  }
  return faults == 0 ? 0 : 1;
}

int run(std::span<char*> arguments) {
  const std::string program = fs::path(arguments[0]).filename(), verb = arguments.size() > 1 ? arguments[1] : "";
  Limits limits;
  if (const char* seconds = std::getenv("FUZZ_SECONDS")) limits.seconds = static_cast<unsigned>(std::stoul(seconds));
  if (const char* most = std::getenv("FUZZ_MEGABYTES")) limits.megabytes = std::stoul(most);
  // Readers that need a path get their input from a folder in memory. The folder is removed however the child ends.
  if (fs::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
  const ScratchFolder scratch;
  ::setenv("TMPDIR", scratch.path().c_str(), 1);
  if (verb == "run" && arguments.size() > 2) return run_files(arguments.subspan(2), limits);
  if (verb == "mutate" && (arguments.size() == 4 || arguments.size() == 5)) {
    return mutate(program, arguments[2], std::stoul(arguments[3]), arguments.size() == 5 ? std::stoul(arguments[4]) : 1,
                  limits);
  }
  fmt::print(stderr, "usage: {0} mutate SEEDS COUNT [SEED]\n       {0} run FILE...\n", program);
  return 2;
}

}  // namespace
}  // namespace pleat::fuzz

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most) {
  pleat::fuzz::Bytes input(data, data + size);
  pleat::fuzz::current->mutate(input, most);
  std::copy(input.begin(), input.end(), data);
  return input.size();
}

int main(int argc, char** argv) {
  try {
    return pleat::fuzz::run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", argv[0], error.what());
    return 2;
  }
}
