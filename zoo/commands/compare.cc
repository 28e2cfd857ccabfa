#include "zoo/commands/compare.h"

#include <cstring>
#include <iostream>

#include "base/error.h"
#include "base/printable.h"
#include "zoo/commands/comparison.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/image_model.h"
#include "zoo/run_program.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

constexpr size_t kMaxCount = 100'000;

class Compare : public Command {
 public:
  explicit Compare(CLI::App& app) : threads_(app), target_(app), report_(app) {
    app.add_option("a", a_, "an .octet file: the reference, as the float model")->required();
    app.add_option("b", b_, "another .octet file")->required();
    app.add_option("--images", images_,
                   "folder of JPEG or PNG images to show both models; made-up inputs if not given");
    app.option_defaults()->always_capture_default();
    app.add_option("--count", count_, "how many images, or made-up inputs")
        ->check(CLI::Range(size_t{1}, kMaxCount));
    app.add_option("--seed", seed_, "of the made-up inputs")->check(whole_number());
  }

  int run() override {
    report_.check({user_path(a_), user_path(b_), user_path(images_)});
    target_.use();
    ThreadPool pool(threads_.threads);
    const ModelPtr a = load_model(user_path(a_));
    Comparer comparer(a, load_model(user_path(b_)), pool);
    images_.empty() ? show_made_up(comparer, a) : show_images(comparer, a);
    const Comparison comparison = comparer.result();
    report_.write(to_text(comparison), to_json(comparison));
    return 0;
  }

 private:
  void show_made_up(Comparer& comparer, const ModelPtr& a) const {
    Progress progress("comparison", count_);
    for (size_t i = 0; i < count_; ++i) {
      comparer.show(make_inputs(a->program(), 1, seed_ + i));
      progress.step();
    }
  }

  // Prepared as the metadata of a say; a damaged one is named and left out.
  void show_images(Comparer& comparer, const ModelPtr& a) const {
    const std::string folder = user_path(images_);
    const Preprocessing how = as_image_model(a, user_path(a_)).preprocessing;
    const std::vector<std::string> files = list_images(folder);
    Progress progress("comparison", std::min(count_, files.size()));
    size_t shown = 0;
    InputBytes inputs(1, std::vector<std::byte>(how.elements() * sizeof(float)));
    for (const size_t i : spread_indices(files.size(), std::min(count_, files.size()))) {
      try {
        const Tensor pixels = preprocess(read_image(folder + "/" + files[i]), how);
        std::memcpy(inputs[0].data(), pixels.data<float>(), inputs[0].size());
        comparer.show(inputs);
        ++shown;
      } catch (const Error& error) {
        std::cerr << "skipped: " << without_controls(error.what()) << '\n';
      }
      progress.step();
    }
    OCTET_CHECK(shown > 0, folder, ": none of its images could be decoded");
  }

  ThreadsOption threads_;
  TargetOption target_;
  ReportOption report_;
  std::string a_, b_, images_;
  size_t count_ = 8;
  uint64_t seed_ = 1;
};

}  // namespace

std::unique_ptr<Command> make_compare(CLI::App& app) { return std::make_unique<Compare>(app); }

}  // namespace octet::zoo
