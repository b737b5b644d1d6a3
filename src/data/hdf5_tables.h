// Reads lists of texts and arrays of numbers from an HDF5 file in memory. The file may be damaged or made to do harm.
// Callers hold an Hdf5Lock; every error is an Hdf5Error that names the dataset.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/hdf5_handle.h"

namespace pleat {

/// Requires: `bytes`, a whole file, outlives the result.
Hdf5File open_hdf5(const std::string& bytes);

/// `name`: a path from `parent`. Throws for a soft or external link in it, which could lead anywhere.
bool has_object(hid_t parent, const std::string& name);

/// Reads a one-dimensional list of texts of fixed length.
std::vector<std::string> read_texts(hid_t parent, const std::string& name);

/// An array of `dims.size()` dimensions, the last one varying fastest.
template <class Number>
struct NumberArray {
  std::vector<std::int64_t> dims;
  std::vector<Number> values;
};

/// Read an array with this number of dimensions: of any floating-point type, or of any integer type. An array that
/// claims more values than its file could hold is refused before memory is taken.
NumberArray<double> read_floats(hid_t parent, const std::string& name, std::size_t rank);
NumberArray<std::int64_t> read_integers(hid_t parent, const std::string& name, std::size_t rank);

}  // namespace pleat
