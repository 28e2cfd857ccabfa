"""The version of the package. octet.h and MODULE.bazel, which can't read it, say it too: the package
is not built when they differ."""

VERSION = "0.1.0"
SOVERSION = VERSION.split(".")[0]
