// transfer: a new head on a trained backbone, which stays as it is: int8 when it is. Backbone and
// head become one file. docs/training.md shows how to call it.
#include <algorithm>
#include <iostream>
#include <thread>

#include "base/error.h"
#include "engine/compose.h"
#include "engine/format.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/flatten.h"
#include "nn/frozen.h"
#include "nn/linear.h"
#include "nn/random.h"
#include "tensor/threads.h"
#include "zoo/bundled.h"
#include "zoo/data_sets.h"
#include "zoo/files.h"
#include "zoo/run_program.h"
#include "zoo/train_log.h"
#include "zoo/trainer.h"

namespace octet::zoo {
namespace {

constexpr unsigned kMaxThreads = 256;

// The label set of an example that needs no files: Fashion-MNIST's ten classes in four groups.
const std::vector<std::string> kGroups = {"tops", "trousers and dresses", "footwear", "bags"};
const std::vector<int> kGroupOf = {0, 1, 0, 1, 0, 2, 0, 2, 3, 2};

struct Options {
  std::string backbone, cut = "features.18.0", data, folder, save;
  size_t images = 2000;
  unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads);
  TrainOptions train = {.epochs = 5, .batch_size = 64, .lr = 0.05, .weight_decay = 1e-4};
};

// nullopt: --help was asked for.
std::optional<Options> read_options(int argc, char** argv) {
  Options o;
  CLI::App app("Trains a new head on a backbone that stays as it is, and saves both as one file.",
               "transfer");
  app.option_defaults()->always_capture_default();
  app.add_option("--backbone", o.backbone,
                 "an .octet file, float or int8; the bundled int8 MobileNetV2 when not given");
  app.add_option("--cut", o.cut, "the value of the backbone that the head reads");
  app.add_option(
      "--data", o.data,
      "fashion-mnist, mnist, cifar10, or a folder with train/ and val/; Fashion-MNIST in "
      "four groups of its classes when not given");
  app.add_option("--data-folder", o.folder, "where the files of a named data set are");
  app.add_option("--images", o.images, "to train with, evenly spread over the data set; 0: all");
  app.add_option("--epochs", o.train.epochs)->check(CLI::Range(1, 100000));
  app.add_option("--batch", o.train.batch_size)->check(CLI::Range(2, 65536));
  app.add_option("--lr", o.train.lr, "highest learning rate")->check(real_between(0.0, 100.0));
  app.add_option("--seed", o.train.seed)->check(whole_number());
  app.add_option("--save", o.save, "an .octet file for backbone and head");
  app.add_option("--threads", o.threads)->check(CLI::Range(1u, kMaxThreads));
  if (!parse_options(app, argc, argv)) return std::nullopt;
  for (std::string* path : {&o.backbone, &o.folder, &o.save}) *path = user_path(*path);
  if (!o.save.empty()) check_writable(o.save);
  return o;
}

// One split, as the backbone wants its images.
DataSet open_split(const Options& o, Split split, const Preprocessing& preprocessing) {
  const std::string name = o.data.empty() ? kBundledData : o.data;
  DataSet set =
      open_data_set(name, {.split = split, .folder = o.folder, .preprocessing = preprocessing});
  if (o.data.empty()) set.classes = kGroups;
  return set;
}

// The labels that are asked for, of the images that are.
struct Images {
  DataSet set;
  std::optional<Relabelled> groups;
  std::optional<Subset> some;
  const Dataset* images = set.images.get();

  Images(const Options& o, Split split, const Preprocessing& preprocessing, size_t count)
      : set(open_split(o, split, preprocessing)) {
    if (o.data.empty()) images = &groups.emplace(*images, kGroupOf);
    if (count > 0 && count < images->size())
      images = &some.emplace(*images, spread_indices(images->size(), count));
  }
  Images(const Images&) = delete;
};

class Transferred : public nn::Module {
 public:
  Transferred(engine::Program backbone, int64_t channels, size_t classes)
      : backbone_(std::move(backbone)), head_(channels, static_cast<int64_t>(classes)) {
    register_module("backbone", backbone_);
    register_module("head", head_);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor features = backbone_(x);
    return head_(features.rank() == 4 ? nn::flatten(nn::adaptive_avg_pool2d(features, 1))
                                      : features);
  }

 private:
  nn::Frozen backbone_;
  nn::Linear head_;
};

// What the backbone says about itself must be true of the part that is kept.
engine::Program load_backbone(const Options& o) {
  const std::string path = o.backbone.empty() ? bundled_path(kBundledQat) : o.backbone;
  const auto whole = engine::load_program(path);
  OCTET_CHECK(whole, whole.why());
  auto part = engine::cut(*whole, o.cut);
  OCTET_CHECK(part, path, ": ", part.why());
  const Shape& shape = part->values[part->outputs[0]].shape;
  OCTET_CHECK(shape.rank() == 4 || shape.rank() == 2, path, ": ", o.cut, " is ", shape.text(),
              ", the head reads [1, h, w, c] or [1, c]");
  return std::move(*part);
}

int run(int argc, char** argv) {
  std::optional<Options> options = read_options(argc, argv);
  if (!options) return 0;
  Options& o = *options;
  set_num_threads(o.threads);
  engine::Program backbone = load_backbone(o);
  const Preprocessing preprocessing = read_metadata(backbone);
  const Images train(o, Split::train, preprocessing, o.images);
  const Images test(o, Split::test, preprocessing, 0);
  OCTET_CHECK(train.images->size() >= o.train.batch_size, "--batch=", o.train.batch_size,
              ": there are ", train.images->size(), " training images");
  nn::manual_seed(o.train.seed);
  const Shape features = backbone.values[backbone.outputs[0]].shape;
  const size_t instructions = backbone.instructions.size();
  Transferred model(std::move(backbone), features[features.rank() - 1], train.set.classes.size());
  std::cout << "backbone  " << instructions << " instructions up to " << o.cut << ", "
            << features.text() << "\nhead      " << train.set.classes.size() << " classes, "
            << train.images->size() << " training images" << std::endl;
  Trainer trainer({.model = model,
                   .train = *train.images,
                   .test = test.images,
                   .augmentation = train.set.augmentation},
                  o.train);
  trainer.run([&](const std::vector<EpochFigures>& history) {
    std::cout << epoch_line(history, o.train.epochs) << std::endl;
  });
  if (o.save.empty()) return 0;
  engine::Program both = trainer.program();
  both.set_metadata("model", "transfer");
  write_metadata(preprocessing, both);
  write_classes(train.set.classes, both);
  const auto saved = engine::save(both, o.save);
  OCTET_CHECK(saved, saved.why());
  return 0;
}

}  // namespace
}  // namespace octet::zoo

int main(int argc, char** argv) {
  return octet::zoo::run_program("transfer", [&] { return octet::zoo::run(argc, argv); });
}
