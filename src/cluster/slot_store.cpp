#include "cluster/slot_store.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <random>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/error.h"
#include "base/log.h"
#include "cluster/failure.h"
#include "cluster/mpi_session.h"

namespace pleat {
namespace {

constexpr int kConnectSeconds = 5;
constexpr std::chrono::seconds kStoreTimeout{300}, kTokenTimeout{5};
constexpr const char* kTokenKey = "pleat-slot";

/// Addresses of a slot's store, and the random token that identifies it. An address alone does not: bridges such as
/// docker0 have the same one on every machine, and another slot's store may answer there.
struct Place {
  std::uint16_t port = 0;
  std::string token;
  std::vector<std::string> addresses;
  static constexpr auto members() { return std::tuple{&Place::port, &Place::token, &Place::addresses}; }
};

std::string random_token() {
  std::random_device source;
  return fmt::format("{:08x}{:08x}{:08x}", source(), source(), source());
}

c10::intrusive_ptr<c10d::TCPStore> serve() {
  c10d::TCPStoreOptions options;
  options.port = 0;  // any free one
  options.isServer = true;
  options.waitWorkers = false;  // they receive the port only after this
  options.timeout = kStoreTimeout;
  return c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
}

/// The store at this address if it is the slot's. Otherwise null, with the cause in `reason`.
c10::intrusive_ptr<c10d::TCPStore> try_address(const std::string& address, const Place& place, std::string& reason) {
  if (!reachable(address, place.port, kConnectSeconds)) {
    reason = "not reachable";
    return nullptr;
  }
  c10d::TCPStoreOptions options;
  options.port = place.port;
  options.waitWorkers = false;
  options.timeout = kTokenTimeout;  // another service may answer there
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(address, options);
    const std::vector<std::uint8_t> found = store->get(kTokenKey);
    if (std::string(found.begin(), found.end()) == place.token) {
      store->setTimeout(kStoreTimeout);
      return store;
    }
    reason = "another store";
  } catch (const std::exception& error) {
    reason = message_of(error);
  }
  return nullptr;
}

c10::intrusive_ptr<c10d::TCPStore> connect_to(const Place& place) {
  std::vector<std::string> tried;
  for (const std::string& address : place.addresses) {
    std::string reason;
    if (auto store = try_address(address, place, reason)) return store;
    tried.push_back(fmt::format("{} ({})", address, reason));
  }
  throw ClusterError(
      "the slot's leader cannot be reached on port {} by any of its addresses: {}; let the hosts reach "
      "each other by TCP",
      place.port, fmt::join(tried, ", "));
}

/// Serves the slot's store on this rank.
Place serve_place(c10::intrusive_ptr<c10d::TCPStore>& store) try {
  store = serve();
  Place place{store->getPort(), random_token(), own_addresses()};
  store->set(kTokenKey, std::vector<std::uint8_t>(place.token.begin(), place.token.end()));
  return place;
} catch (const std::exception& error) {
  throw ClusterError("the slot's leader cannot serve a store for its ranks: {}", message_of(error));
}

using FreeAddresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// poll() for one descriptor. A signal, such as a request to stop, does not end the wait.
bool poll_within(pollfd& waiting, int seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (ready >= 0 || errno != EINTR) return ready == 1;
  }
}

int connect_within(const addrinfo& to, int seconds) {
  const int file = socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  int error = 0;
  if (connect(file, to.ai_addr, to.ai_addrlen) != 0) {
    pollfd waiting{.fd = file, .events = POLLOUT};
    socklen_t size = sizeof error;
    const bool answered = errno == EINPROGRESS && poll_within(waiting, seconds);
    if (!answered || getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = -1;
  }
  close(file);
  return error;
}

}  // namespace

std::vector<std::string> own_addresses() {
  std::vector<std::string> v4, v6;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {"127.0.0.1"};
  for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP) || (entry->ifa_flags & IFF_LOOPBACK)) continue;
    char text[INET6_ADDRSTRLEN] = "";
    if (entry->ifa_addr->sa_family == AF_INET) {
      inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(entry->ifa_addr)->sin_addr, text, sizeof text);
      v4.emplace_back(text);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const in6_addr& address = reinterpret_cast<sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&address)) continue;  // means nothing without its interface
      inet_ntop(AF_INET6, &address, text, sizeof text);
      v6.emplace_back(text);
    }
  }
  freeifaddrs(list);
  v4.insert(v4.end(), v6.begin(), v6.end());
  if (v4.empty()) v4.emplace_back("127.0.0.1");
  return v4;
}

bool reachable(const std::string& address, std::uint16_t port, int seconds) {
  addrinfo hints{.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const FreeAddresses keep(found, freeaddrinfo);
  return connect_within(*found, seconds) == 0;
}

c10::intrusive_ptr<c10d::Store> make_slot_store(MPI_Comm slot) {
  const Ranks ranks = ranks_of(slot);
  c10::intrusive_ptr<c10d::TCPStore> store;
  Place place;
  try {
    place = broadcast<Place>(ranks, [&] { return serve_place(store); });
    together(ranks, [&] {
      if (ranks.rank != 0) store = connect_to(place);
    });
  } catch (const Error& error) {
    // Only this slot's ranks have the error. Without its mark, main ends the other slots too.
    throw Error(error.code(), error.what());
  }
  return store;
}

}  // namespace pleat
