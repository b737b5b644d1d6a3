// Reads and writes oof.h5. HDF5 builds the file in memory and write_file writes it, since HDF5 misses a full disk.
#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "data/hdf5_tables.h"
#include "ensemble/oof_table.h"

namespace pleat {
namespace {

constexpr int kSchema = 1;

Hdf5Properties without_times(hid_t kind) {
  Hdf5Properties properties(H5Pcreate(kind), "make a property list");
  hdf5(H5Pset_obj_track_times(properties.get(), false), "switch object times off");  // times would change the bytes
  return properties;
}

Hdf5Group make_group(hid_t parent, const std::string& name) {
  const Hdf5Properties properties = without_times(H5P_GROUP_CREATE);
  return {H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), "make a group"};
}

void write_array(hid_t parent, const std::string& name, hid_t type, const std::vector<hsize_t>& dims,
                 const void* data) {
  const Hdf5Properties properties = without_times(H5P_DATASET_CREATE);
  const Hdf5Space space(H5Screate_simple(int(dims.size()), dims.data(), nullptr), "make a data space");
  const Hdf5Dataset set(H5Dcreate2(parent, name.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                        "make a dataset");
  hdf5(H5Dwrite(set.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "write a dataset");
}

void write_texts(hid_t parent, const std::string& name, const std::vector<std::string>& texts) {
  std::size_t width = 1;
  for (const auto& text : texts) width = std::max(width, text.size());
  std::string padded(width * texts.size(), '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i].copy(padded.data() + i * width, width);
  const Hdf5Type type(H5Tcopy(H5T_C_S1), "make a text type");
  hdf5(H5Tset_size(type.get(), width), "size a text type");
  hdf5(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "pad a text type");
  hdf5(H5Tset_cset(type.get(), H5T_CSET_UTF8), "encode a text type");
  write_array(parent, name, type.get(), {texts.size()}, padded.data());
}

void write_probs(hid_t parent, const std::string& name, const torch::Tensor& probs) {
  const torch::Tensor rows = probs.contiguous();
  write_array(parent, name, H5T_IEEE_F64LE, {hsize_t(rows.size(0)), hsize_t(rows.size(1))},
              rows.const_data_ptr<double>());
}

void write_target(hid_t parent, const OofTable& table) {
  const Hdf5Group group = make_group(parent, table.target);
  write_texts(group.get(), "classes", table.classes);
  write_array(group.get(), "labels", H5T_STD_I64LE, {hsize_t(table.labels.numel())},
              table.labels.contiguous().const_data_ptr<std::int64_t>());
  std::vector<std::string> ids;
  const Hdf5Group models = make_group(group.get(), "models");
  for (const OofModel& model : table.models) {
    ids.push_back(model.id);
    const Hdf5Group of_model = make_group(models.get(), model.id);
    write_probs(of_model.get(), "probs", model.probs);
    if (model.normal.defined()) write_probs(of_model.get(), "normal", model.normal);
  }
  write_texts(group.get(), "model_order", ids);
  write_probs(group.get(), "ensemble", table.ensemble);
  if (!table.normal.defined()) return;
  write_probs(group.get(), "normal", table.normal);
  write_array(group.get(), "numbers", H5T_IEEE_F64LE, {hsize_t(table.numbers.numel())},
              table.numbers.contiguous().const_data_ptr<double>());
}

Hdf5File new_file() {
  const Hdf5Properties access(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  hdf5(H5Pset_fapl_core(access.get(), 1 << 20, /*backing_store=*/false), "keep a file in memory");
  const Hdf5Properties creation = without_times(H5P_FILE_CREATE);
  return {H5Fcreate("oof.h5", H5F_ACC_TRUNC, creation.get(), access.get()), "make a file"};
}

torch::Tensor tensor_of(const NumberArray<double>& array) {
  return at::tensor(array.values, at::kDouble).reshape(array.dims);
}

// Reads a table [N, 2] of mean and standard deviation. Returns an undefined tensor if the table does not exist.
torch::Tensor read_normal(hid_t parent, const std::string& name, std::size_t rows) {
  if (!has_object(parent, name)) return {};
  torch::Tensor normal = tensor_of(read_floats(parent, name, 2));
  if (normal.size(0) != std::int64_t(rows) || normal.size(1) != 2)
    throw Hdf5Error(name + " is not a table of mean and deviation per row");
  return normal;
}

OofTable read_target(hid_t parent, const std::string& name, std::size_t rows) {
  const Hdf5Group group(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), "open a target");
  const std::vector<std::int64_t> labels = read_integers(group.get(), "labels", 1).values;
  OofTable table{
      .target = name, .classes = read_texts(group.get(), "classes"), .labels = at::tensor(labels, at::kLong)};
  for (const std::string& id : read_texts(group.get(), "model_order")) {
    table.models.push_back({id, tensor_of(read_floats(group.get(), "models/" + id + "/probs", 2)),
                            read_normal(group.get(), "models/" + id + "/normal", rows)});
  }
  table.ensemble = tensor_of(read_floats(group.get(), "ensemble", 2));
  table.normal = read_normal(group.get(), "normal", rows);
  if (table.normal.defined()) table.numbers = tensor_of(read_floats(group.get(), "numbers", 1));
  const auto fits = [&](const torch::Tensor& probs) {
    return probs.size(0) == std::int64_t(rows) && probs.size(1) == std::int64_t(table.classes.size()) &&
           at::isfinite(probs).all().item<bool>();
  };
  const auto is_class = [&](std::int64_t label) { return label >= 0 && label < std::int64_t(table.classes.size()); };
  const bool all_fit =
      std::all_of(table.models.begin(), table.models.end(), [&](const OofModel& model) { return fits(model.probs); });
  if (!fits(table.ensemble) || !all_fit || table.labels.size(0) != std::int64_t(rows) ||
      (table.numbers.defined() && table.numbers.size(0) != std::int64_t(rows)))
    throw Hdf5Error("target " + name + " has tables of different sizes, or probabilities that are no numbers");
  if (!std::all_of(labels.begin(), labels.end(), is_class))
    throw Hdf5Error("target " + name + " has a label that is none of its classes");
  return table;
}

FoldPlan read_plan(hid_t file) {
  FoldPlan plan{.ids = read_texts(file, "ids"), .groups = read_texts(file, "groups")};
  const NumberArray<std::int64_t> folds = read_integers(file, "folds", 2);
  const auto rows = static_cast<std::int64_t>(plan.ids.size());
  if (plan.groups.size() != plan.ids.size() || folds.dims[0] < 1 || folds.dims[1] != rows)
    throw Hdf5Error("ids, groups and folds have different sizes");
  plan.repeats = static_cast<int>(folds.dims[0]);
  for (auto fold = folds.values.begin(); fold != folds.values.end(); fold += rows) {
    plan.fold_of.emplace_back(fold, fold + rows);
    const auto [low, high] = std::minmax_element(fold, fold + rows);
    if (*low < 0 || *high >= kMostFolds) throw Hdf5Error(fmt::format("fold {}", *low < 0 ? *low : *high));
    plan.k = std::max(plan.k, static_cast<int>(*high) + 1);
  }
  return plan;
}

}  // namespace

void write_oof(const std::filesystem::path& path, const FoldPlan& plan, const std::vector<OofTable>& tables) {
  std::string bytes;
  try {
    const Hdf5Lock lock;
    const Hdf5File file = new_file();
    write_array(file.get(), "schema", H5T_NATIVE_INT, {1}, &kSchema);
    write_texts(file.get(), "ids", plan.ids);
    write_texts(file.get(), "groups", plan.groups);
    std::vector<int> folds;
    for (const auto& repeat : plan.fold_of) folds.insert(folds.end(), repeat.begin(), repeat.end());
    write_array(file.get(), "folds", H5T_NATIVE_INT, {hsize_t(plan.repeats), plan.ids.size()}, folds.data());
    const Hdf5Group targets = make_group(file.get(), "targets");
    std::vector<std::string> names;
    for (const OofTable& table : tables) {
      names.push_back(table.target);
      write_target(targets.get(), table);
    }
    write_texts(file.get(), "target_order", names);
    hdf5(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "finish the file");
    bytes.resize(static_cast<std::size_t>(hdf5(H5Fget_file_image(file.get(), nullptr, 0), "measure the file")));
    hdf5(H5Fget_file_image(file.get(), bytes.data(), bytes.size()), "take the file");
  } catch (const Hdf5Error& error) {
    throw DataError("{}: {}", path.string(), error.what());
  }
  write_file(path, bytes);
}

OofFile read_oof(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  try {
    const Hdf5Lock lock;
    const Hdf5File file = open_hdf5(bytes);
    const std::vector<std::int64_t> schema = read_integers(file.get(), "schema", 1).values;
    if (schema != std::vector<std::int64_t>{kSchema})
      throw Hdf5Error(fmt::format("schema {}, but this program reads schema {}", fmt::join(schema, ", "), kSchema));
    const Hdf5Group targets(H5Gopen2(file.get(), "targets", H5P_DEFAULT), "open the targets");
    OofFile read{.plan = read_plan(file.get())};
    for (const std::string& name : read_texts(file.get(), "target_order"))
      read.tables.push_back(read_target(targets.get(), name, read.plan.ids.size()));
    return read;
  } catch (const Hdf5Error& error) {
    throw DataError("{} is not an out-of-fold table from pleat, or is damaged: {}", path.string(), error.what());
  }
}

}  // namespace pleat
