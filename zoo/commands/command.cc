#include "zoo/commands/command.h"

#include "zoo/run_program.h"

namespace octet::zoo {

int run_command(const char* program, const char* description, const MakeCommand& make, int argc,
                char** argv) {
  return run_program(program, [&] {
    CLI::App app(description, program);
    const std::unique_ptr<Command> command = make(app);
    return parse_options(app, argc, argv) ? command->run() : 0;
  });
}

}  // namespace octet::zoo
