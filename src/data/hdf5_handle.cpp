#include "data/hdf5_handle.h"

namespace pleat {
namespace {

std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Hdf5Lock::Hdf5Lock() : guard_(hdf5_mutex()) {
  static const bool started = [] {
    H5dont_atexit();  // must come before any other call
    return H5open() >= 0;
  }();
  if (!started) throw Hdf5Error("cannot start the HDF5 library");
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::string hdf5_reason() {
  std::string reason = "no reason given";
  // Walks from the place of the error up to the caller; the first entry is the cause.
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned depth, const H5E_error2_t* error, void* text) -> herr_t {
        if (depth == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
        return 0;
      },
      &reason);
  H5Eclear2(H5E_DEFAULT);
  return reason;
}

}  // namespace pleat
