#include "zoo/commands/inspect.h"

#include "zoo/commands/inspection.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/image_model.h"

namespace octet::zoo {
namespace {

class Inspect : public Command {
 public:
  explicit Inspect(CLI::App& app) : report_(app) {
    app.add_option("file", file_, "an .octet file")->required();
  }

  int run() override {
    report_.check({user_path(file_)});
    const std::string path = user_path(file_);
    const ModelFacts facts = facts_of(*load_model(path), path);
    report_.write(to_text(facts), to_json(facts));
    return 0;
  }

 private:
  ReportOption report_;
  std::string file_;
};

}  // namespace

std::unique_ptr<Command> make_inspect(CLI::App& app) { return std::make_unique<Inspect>(app); }

}  // namespace octet::zoo
