// Wraps HDF5: one thread at a time (the library is not thread-safe), every handle is closed, every error is thrown.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace pleat {

/// An error of HDF5. Callers turn it into a DataError that names the file and the remedy.
struct Hdf5Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Must be held around every use of HDF5 in this process. Also silences the library's own printing, and turns off its
/// flush at exit, which crashes after a failed close.
class Hdf5Lock {
 public:
  Hdf5Lock();

 private:
  std::lock_guard<std::mutex> guard_;
};

/// Returns the result of a call.
/// Throws: Hdf5Error with `action` and the library's innermost reason if the call failed (a negative result).
template <class Result>
Result hdf5(Result result, const char* action);

/// An HDF5 identifier that closes itself. Writers must call close(): only its result confirms that the bytes were
/// written.
template <herr_t (*kClose)(hid_t)>
class Hdf5Handle {
 public:
  Hdf5Handle(hid_t id, const char* action) : id_(hdf5(id, action)) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;
  ~Hdf5Handle() {
    if (id_ >= 0) kClose(id_);
  }
  hid_t get() const { return id_; }
  void close() { hdf5(kClose(std::exchange(id_, H5I_INVALID_HID)), "close"); }

 private:
  hid_t id_;
};

using Hdf5File = Hdf5Handle<H5Fclose>;
using Hdf5Group = Hdf5Handle<H5Gclose>;
using Hdf5Dataset = Hdf5Handle<H5Dclose>;
using Hdf5Space = Hdf5Handle<H5Sclose>;
using Hdf5Type = Hdf5Handle<H5Tclose>;
using Hdf5Attribute = Hdf5Handle<H5Aclose>;
using Hdf5Properties = Hdf5Handle<H5Pclose>;

/// The innermost reason of the last failure, as the library words it.
std::string hdf5_reason();

template <class Result>
Result hdf5(Result result, const char* action) {
  if (result < 0) throw Hdf5Error(std::string("cannot ") + action + ": " + hdf5_reason());
  return result;
}

}  // namespace pleat
