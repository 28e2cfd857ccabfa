"""Tests that are one program with different arguments."""

def _fuzz_test_impl(ctx):
    link = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = link, target_file = ctx.executable.fuzzer, is_executable = True)
    return DefaultInfo(executable = link)

fuzz_test = rule(
    implementation = _fuzz_test_impl,
    test = True,
    attrs = {"fuzzer": attr.label(mandatory = True, executable = True, cfg = "target")},
    doc = "Runs the fuzzer, which is linked once, with `args`.",
)
