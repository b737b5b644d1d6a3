// The message with which a reader of weights refuses a file.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "base/error.h"

namespace pleat {

// Expects one line that starts with the file's name.
template <class Read>
std::string refusal_of(const std::string& file, Read read) {
  try {
    read();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith(file + ": "));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace pleat
