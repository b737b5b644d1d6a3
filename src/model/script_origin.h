// Facts that launch/export_model.py adds to a TorchScript archive, since TorchScript does not keep them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

struct ScriptOrigin {
  std::string source = "timm:NAME";  // the network, as on the exporter's command line
  std::string options;               // more of that command line, such as "--pretrained resnet18.pth"
  std::set<std::string> constants;   // buffers that are not part of the state
  std::vector<std::string> heads;    // modules with one output per class; empty for older exports
  std::vector<double> mean, std;     // per channel, of the images that the weights were trained on; empty: unknown
};

/// Checks the archive like check_zip, and reads its pleat.json. A script without one has the default values.
/// Throws: DataError with `file` for a damaged archive, or a pleat.json in another format.
ScriptOrigin read_script_origin(std::string_view archive, const std::string& file);

}  // namespace pleat
